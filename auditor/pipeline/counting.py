"""Who counted the tokens of a call: the provider, else our tokenizer, else nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from auditor.prices import Book, resolve
from auditor.records import Call, Usage
from auditor.tokens import TextCounter, UncountableError, estimate_usage, fill_usage

PROVIDER, TOKENIZER, ESTIMATE, NOBODY = "provider", "tokenizer", "estimate", "nobody"
BYTES_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Counted:
    """Tokens of a call, who counted them, and why it failed or nobody could count it."""

    usage: Usage | None
    by: str
    problem: str | None = None


class Gauge:
    """Counts what the provider did not.

    The provider's usage wins. Failed calls without usage have no tokens. Else the text is counted
    under the encoding and framing of the model that served the call; ``estimate`` allows, where
    that cannot be done, four characters a token, or four bytes where there is no text.
    """

    def __init__(
        self,
        book: Book,
        names: Mapping[str, str],
        *,
        assume_model: str | None = None,
        estimate: bool = False,
    ) -> None:
        self._book = book
        self._names = names
        self._assume_model = assume_model
        self._estimate = estimate
        self._counter = TextCounter()
        self._models: dict[tuple[str, date | None], str] = {}

    def __call__(self, call: Call) -> Counted:
        """The tokens of one call."""
        if call.kept is not None:
            return Counted(call.usage, call.kept.counted_by, call.problem)
        if call.usage is not None:
            return Counted(call.usage, PROVIDER, call.problem)
        if call.failed:
            return Counted(None, NOBODY, call.problem)
        usage, problem = self._counted(call)
        if usage is not None:
            return Counted(usage, TOKENIZER, call.problem)
        if self._estimate and (guess := _guess(call)) is not None:
            return Counted(guess, ESTIMATE, call.problem)
        return Counted(None, NOBODY, problem)

    def recount(self, call: Call) -> tuple[Usage | None, str | None]:
        """What our tokenizer makes of the text, or None and why, whatever the provider said."""
        usage, problem = self._counted(call)
        return usage, problem.removeprefix("no usage, and ") if problem else None

    def _counted(self, call: Call) -> tuple[Usage | None, str | None]:
        try:
            return self._count(call)
        except UncountableError as error:
            return None, f"no usage, and its text cannot be counted: {error}"

    def _count(self, call: Call) -> tuple[Usage | None, str | None]:
        if call.text is None or (not call.text.outputs and call.endpoint != "embedding"):
            return None, call.problem or "the log holds neither usage nor text"
        name = call.served_model or call.requested_model or self._assume_model
        if name is None:
            return None, "no usage, and no model whose tokenizer could count the text"
        on = call.called_at.date() if call.called_at else None
        usage = fill_usage(call.text, call.endpoint, self._model(name, on), self._counter)
        return usage, "no usage, and no tokenizer for its model"

    def _model(self, name: str, on: date | None) -> str:
        """The snapshot behind a name; looked up once a day, which many calls share."""
        if (name, on) not in self._models:
            found = resolve(name, on, self._book, self._names)
            self._models[name, on] = found.snapshot or name
        return self._models[name, on]


def _guess(call: Call) -> Usage | None:
    text = call.text
    asked = text is not None and (text.messages or text.prompts)
    if text is not None and asked and (text.outputs or call.endpoint == "embedding"):
        return estimate_usage(text)
    if call.sizes is not None:
        sent, received = call.sizes
        return Usage(-(-sent // BYTES_A_TOKEN), -(-received // BYTES_A_TOKEN))
    return None
