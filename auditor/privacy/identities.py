"""What names a person: the one table of tag names, and the looks of values.

A tag is an identity if one of the words of its name, or two of them together, are in ``BY_NAME``
(``end_user``, ``userEmail``, ``full_name`` and ``enduser.id`` all are), if its name says that it is
what somebody wrote (``TEXTS``), or if its value looks like one: an e-mail address, a key, a number
to call, of a card or an account, an address on a network, or a text too long for a label. What a
tag is named by is judged as a value, for logs have objects keyed by addresses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise

BY_NAME: Mapping[str, str] = {
    **dict.fromkeys(("user", "users", "username", "userid", "login", "uid", "upn"), "user"),
    **dict.fromkeys(("enduser", "person", "people", "visitor", "caller", "author"), "user"),
    **dict.fromkeys(("employee", "staff", "owner", "member", "subscriber", "identity"), "user"),
    **dict.fromkeys(("firstname", "lastname", "fullname", "surname", "nickname"), "user"),
    **dict.fromkeys(("givenname", "familyname", "displayname", "createdby", "updatedby"), "user"),
    **dict.fromkeys(("requestedby", "requester", "sender", "recipient", "assignee"), "user"),
    **dict.fromkeys(("reviewer", "applicant", "approver", "submitter"), "user"),
    **dict.fromkeys(("principal", "arn", "actor", "contact", "patient", "student"), "user"),
    **dict.fromkeys(("customer", "customers", "customerid", "client", "clientid"), "customer"),
    **dict.fromkeys(("account", "accounts", "accountid", "subscription", "tenant"), "account"),
    **dict.fromkeys(("email", "mail", "emails"), "email"),
    **dict.fromkeys(("key", "keys", "apikey", "token", "secret", "password"), "key"),
    **dict.fromkeys(("credential", "credentials", "authorization", "bearer"), "key"),
    **dict.fromkeys(("ip", "ipaddress", "addr", "address", "hostname"), "address"),
    **dict.fromkeys(("device", "deviceid", "cookie", "fingerprint"), "device"),
    **dict.fromkeys(("phone", "telephone", "mobile", "msisdn"), "phone"),
    **dict.fromkeys(("session", "sessionid", "conversation", "thread", "chat"), "session"),
    **dict.fromkeys(("trace", "traceid", "span", "request", "requestid"), "trace"),
}
"""A word of a tag's name, and what the value is: the first word of the pseudonym."""

TEXTS = frozenset(
    {
        *("prompt", "prompts", "systemprompt", "userprompt", "question", "query", "instruction"),
        *("instructions", "input", "inputs", "inputtext", "message", "messages", "content", "text"),
        *("answer", "output", "outputs", "outputtext", "completion", "response", "reply", "body"),
        *("comment", "comments", "note", "notes", "description", "summary", "subject", "title"),
    }
)
"""Whole names of tags that hold what somebody wrote. (``prompt_name`` is none: it is a label.)"""

LONGEST_LABEL, MOST_WORDS = 64, 5

WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_END = r"(?![A-Za-z0-9])"
LOOKS = (
    ("email", re.compile(r"[^\s@]@[^\s@]+\.[^\s@.]{2}")),
    (
        "key",
        re.compile(
            r"(?i:\bbearer\s)|-----BEGIN|(?i:\bbasic\s+[A-Za-z0-9+/]{8,})"
            r"|(?i:(?:password|passwd|pwd|secret|token|key)\s*[=:]\s*\S)|(?<![A-Za-z0-9])(?:"
            r"(?:sk|pk|rk|api|key|sess|org|proj)-[A-Za-z0-9_-]{16,}|(?:sk|pk|rk)-[A-Za-z0-9_-]{6,}"
            r"|(?:sk|pk|rk|key|api|ghp|gho|ghs|hf|glpat|xox[a-z])[-_][A-Za-z0-9-_]{12,}"
            r"|(?:gsk|npm|pat|dop|shpat|xai|nvapi)[-_][A-Za-z0-9_-]{12,}|SG\.[A-Za-z0-9_-]{12,}"
            r"|A[KS]IA[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{20,}"
            r"|eyJ[A-Za-z0-9_-]{5,}\.|github_pat_|(?:[0-9a-f]{32}|[0-9a-f]{64})" + _END + ")"
        ),
    ),
    (
        "number",  # of a card, an account with a bank (IBAN), social security
        re.compile(
            r"(?<![\w.-])(?:[0-9]{4}([ -]?)[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}"
            r"|[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?"
            r"|[0-9]{3}-[0-9]{2}-[0-9]{4})(?![\w.-])"
        ),
    ),
    (
        "phone",
        re.compile(
            r"(?<![\w.])(?:\+|00)[1-9][\s()./-]?(?:[0-9][\s()./-]{0,2}){6,14}" + _END + r"|"
            r"\([0-9]{3}\) ?[0-9]{3}-[0-9]{4}"
            r"|(?<![0-9.-])(?:1[-.])?[0-9]{3}([-.])[0-9]{3}\1[0-9]{4}(?![0-9.-])"
            r"|(?<![\w.:-])\(?0[0-9]{1,5}\)?[ /-][0-9](?:[ /-]?[0-9]){4,11}(?![\w.:-])"
        ),
    ),
    (
        "address",
        re.compile(
            r"(?<![0-9.])(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}"
            r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?![0-9.])"
            r"|(?<![0-9A-Fa-f:])(?:[0-9A-Fa-f]{1,4}:){3,7}(?::|[0-9A-Fa-f]{1,4})"
        ),
    ),
)

_HEX = "[0-9a-f]"
_UUID = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
OF_A_PROVIDER = (
    "(?:"
    # what only a provider issues
    "(?:chatcmpl|cmpl|resp|batch_req|embd|ftjob)[-_][A-Za-z0-9_-]{1,128}"
    # what audit makes itself
    "|row-[0-9a-f]{32}-[0-9]{1,18}"
    "|(?:msg|gen|req|run|call|id|lc_run-|wf|step|asst|thread)(?:_bdrk)?[-_]"
    f"(?:{_UUID}|[A-Za-z0-9]{{16,128}})"
    f"|{_UUID}"
    f"|{_HEX}{{16,128}}(?:[/-]{_HEX}{{16,128}})?"
    # a ULID; random letters and digits, these in more than one place
    "|[0-7][0-9A-HJKMNP-TV-Z]{25}"
    "|[A-Za-z0-9]{0,40}[A-Za-z][0-9]{1,3}[A-Za-z]{1,12}[0-9][A-Za-z0-9]{12,64}"
    ")"
)
"""Ids that a machine made. Python and polars read this expression alike."""
_OF_A_PROVIDER = re.compile(OF_A_PROVIDER)


def is_of_a_provider(id: str) -> bool:
    """Whether an id is of a form that providers give, and so no text of a person."""
    return _OF_A_PROVIDER.fullmatch(id) is not None


@lru_cache(4_096)
def kind_by_name(name: str) -> str | None:
    """What the values of a tag are, by its name; None where they are no identities."""
    words = [word.lower() for word in WORDS.findall(name)]
    together = map("".join, pairwise(words))
    for word in (name.lower(), *words, *together):
        if (kind := BY_NAME.get(word)) is not None:
            return kind
    return "text" if name.lower() in TEXTS or "".join(words) in TEXTS else None


def kind_of_tag(name: str, value: str) -> str | None:
    """What the value of a tag is, by its name or by the looks of either; None for a label."""
    return kind_by_name(name) or kind_by_look(name) or kind_by_look(value)


def kind_by_look(value: str) -> str | None:
    """What a value is, by its looks; None where it may be a label."""
    for kind, pattern in LOOKS:
        if pattern.search(value):
            return kind
    if len(value) > LONGEST_LABEL or "\n" in value or len(value.split()) > MOST_WORDS:
        return "text"
    return None
