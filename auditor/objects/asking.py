"""Asks object storage, and says in words of ours what went wrong.

Endpoint and credentials come from the environment or the machine that this runs on, as the library
finds them. Neither is ever in an error: of what a server says only its code is passed on.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from auditor.errors import AuditError, SourceError, printable
from auditor.objects.address import Address

STORES = {"s3": "S3Store", "gs": "GCSStore", "az": "AzureStore"}
SETTINGS = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_ACCOUNT_KEY",
}
RETRIES = {"max_retries": 6, "retry_timeout": timedelta(minutes=2)}
# no limit on the whole of a large download, but one on every silence
PATIENCE = {"connect_timeout": "10s", "read_timeout": "60s", "timeout": "1day"}
AS_IT_IS = {"accept-encoding": "gzip"}

_STATUS = re.compile(r"non-2xx status code: (\d{3})")
_ADDRESS = re.compile(r"https?://\S+")
_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
METADATA_SERVICES = ("169.254.", "fd00:ec2::", "metadata.google.internal", "/latest/api/token")

T = TypeVar("T")


def check_installed() -> None:
    """Refuse before the work is done where the extra ``cloud`` is missing."""
    try:
        import obstore  # noqa: F401
    except ImportError as error:
        raise AuditError(
            "reading from object storage needs the package obstore",
            hint="pip install 'auditor[cloud]'",
        ) from error


def store_of(address: Address) -> Any:
    """The library's store of a bucket, as the environment and the machine set it up."""
    from obstore import store

    made = getattr(store, STORES[address.scheme])
    # as settings: client options would hide what the environment says of TLS
    settings: dict[str, Any] = {"config": PATIENCE}
    if address.scheme == "gs":
        # else Google unpacks what is stored as gzip, and size and digest are of something else
        settings = {"client_options": {**PATIENCE, "allow_http": True, "default_headers": AS_IT_IS}}
    return asked(str(address), lambda: made(address.bucket, retry_config=RETRIES, **settings))


class AbsentError(SourceError):
    """There is no such object."""


def asked(place: str, ask: Callable[[], T]) -> T:
    """What a store answers. Raises SourceError, which names the address and holds no secret.

    The library has tried again by then. What it says in full may hold a signed address, so it is
    neither shown nor chained.
    """
    from obstore.exceptions import BaseError

    try:
        return ask()
    except FileNotFoundError:
        raised: SourceError = AbsentError(
            printable(place),
            None,
            "there is no such object",
            hint="Check the address for a typing error.",
        )
    except (BaseError, ValueError) as error:
        problem, hint = _in_words(place, type(error).__name__, str(error))
        raised = SourceError(printable(place), None, problem, hint=hint)
    raise raised


def _in_words(place: str, kind: str, said: str) -> tuple[str, str]:
    """What is wrong and what to do about it, from the class of an error and its text."""
    scheme, _, rest = place.partition("://")
    key = rest.partition("/")[2].strip("/")
    words = _ADDRESS.sub("", said.replace(key, "") if key else said).lower()
    prefix = {"s3": "AWS", "gs": "GOOGLE", "az": "AZURE"}[scheme]
    credentials = f"Set credentials that may list and read it: {SETTINGS[scheme]}; see the README."
    found, told = _STATUS.search(said), _CODE.search(said)
    status = int(found[1]) if found else 0
    code = f" ({told[1]})" if told else ""
    if kind == "PreconditionError" or status == 412:
        return "changed after it was listed", "Run again when nothing writes to it."
    if any(service in said for service in METADATA_SERVICES):
        return "there are no credentials for it", credentials
    if kind in ("PermissionDeniedError", "UnauthenticatedError") or status in (401, 403):
        return f"access is denied{code}", credentials
    if status == 404:
        return f"there is no such bucket{code}", "Check the address, the region and the endpoint."
    if 300 <= status < 400 or "redirect" in words:
        return f"the bucket is elsewhere{code}", f"Set the region of the bucket: {prefix}_REGION."
    if status:
        return f"the store answers HTTP {status}{code}", "Try again later."
    if "badscheme" in words:
        return (
            "the endpoint is one without TLS",
            f"Set {prefix}_ALLOW_HTTP=true if that is what you want.",
        )
    if kind == "InvalidPathError" or "parse path" in words:
        return (
            "a key here has an empty part, one of dots or a control character",
            "Such a key cannot be read: name the others one by one, or give it another name.",
        )
    if "credential" in words:
        return "there are no credentials for it", credentials
    if "account" in words or "Configuration" in kind:
        return "the store is not set up", credentials
    return (
        "the store cannot be reached, or broke off, each time that it was asked",
        "Check the network and the endpoint, then run again; nothing of it was stored.",
    )
