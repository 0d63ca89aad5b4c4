"""What a store keeps of persons, and the key under which their names are hashed."""

from __future__ import annotations

from auditor import secret
from auditor.errors import StoreError
from auditor.pipeline.elsewhere import Looks
from auditor.privacy import Pseudonyms, Shown
from auditor.sources import LogFile
from auditor.store import Store
from auditor.workload import HashKey


def keeps_identities(store: Store) -> bool | None:
    """Whether names are in the store as logged; None while nothing is in it."""
    kept: bool | None = store.rows("ingest/keeping")[0]["identities"]
    return kept


def names_in(store: Store) -> Pseudonyms | None:
    """Says how names are called in a store; None where it shows them, or its key is not there."""
    key = store.key_of_names or (secret.known(store.path, None) if store.path else None)
    if key is None or keeps_identities(store) is not False:
        return None
    return Pseudonyms(HashKey(key), Shown())


def check_keeping(store: Store, wanted: bool) -> None:
    """Raise StoreError when the store was begun otherwise than ``wanted``."""
    kept = keeps_identities(store)
    if kept is None or kept == wanted:
        return
    name = store.path or "the store in memory"
    if kept:
        raise StoreError(
            f"{name} keeps identities: users and keys are in it as logged, as the run that began "
            "it was told to, or as audit did before version 0.5",
            hint="Go on so with --keep-identities (keep_identities = true under [nightly]), or "
            "ingest the logs into a new store, which will hold pseudonyms.",
        )
    raise StoreError(
        f"{name} holds pseudonyms in place of identities, and cannot get to know the names",
        hint="Go on without --keep-identities, or ingest the logs into a new store with it.",
    )


class Traced:
    """Says the digest of each file, and remembers traces where the key for names needs them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._traces: set[str] = set()
        self._looks = Looks()

    def take(self, looks: Looks) -> None:
        """Know what was looked at elsewhere."""
        self._looks = looks

    def __call__(self, file: LogFile) -> str:
        if (looked := self._looks.of(file)) is not None:
            self._traces.add(looked.trace)
            return looked.sha256
        if self._store.key_of_names is not None:
            return file.sha256()
        digest, trace = file.digest_and_trace()
        self._traces.add(trace)
        return digest

    @property
    def key(self) -> bytes:
        """The key for names: that of the store, or in memory that of its first sources."""
        if self._store.key_of_names is None:
            self._store.key_of_names = secret.of_sources(self._traces)
        return self._store.key_of_names
