"""Addresses such as ``s3://bucket/logs/``: their parts, and what may not stand in one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from auditor.errors import SourceError, printable

SCHEMES = ("s3", "gs", "az")

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_BUCKET = re.compile(r"[A-Za-z0-9$][A-Za-z0-9._-]*")


def is_address(name: str) -> bool:
    """Whether a name is an address such as ``s3://bucket/logs/`` and no path."""
    return _URL.match(name) is not None


@dataclass(frozen=True, slots=True)
class Address:
    """A bucket (a container, on Azure) and what is named in it."""

    scheme: str
    bucket: str
    key: str

    def __str__(self) -> str:
        return self.url_of(self.key)

    def url_of(self, key: str) -> str:
        """The address of another object of the bucket."""
        return f"{self.scheme}://{self.bucket}/{key}"


def address_of(name: str) -> Address:
    """The parts of an address. Raises SourceError for one that is wrong or holds a secret."""
    found = _URL.fullmatch(name)
    scheme, rest = (found[1].lower(), found[2]) if found else ("", name)
    bucket, _, key = rest.partition("/")
    if "@" in bucket or re.search(r"\?.*=", rest):
        raise SourceError(
            f"{scheme}://{'…' if '@' in bucket else printable(bucket.partition('?')[0])}",
            None,
            "the address holds a user, a password or a signature",
            hint="Name the bucket alone, as s3://bucket/logs/; credentials come from the "
            "environment.",
        )
    if scheme not in SCHEMES:
        raise SourceError(
            f"{scheme}://{printable(bucket)}",
            None,
            "audit does not read from such an address",
            hint="Name s3://bucket/…, gs://bucket/… or az://container/…, or a local file.",
        )
    if not _BUCKET.fullmatch(bucket):
        raise SourceError(
            printable(name), None, "the address names no bucket", hint="Write s3://bucket/logs/."
        )
    return Address(scheme, bucket, key)
