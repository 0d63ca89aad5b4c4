"""Why calls failed, in words that are known: what a provider says of an error may quote a prompt.

Of a failed call the HTTP status and the names of errors are kept that are listed here; the rest of
the sentence is not. It stays in the log, whose line the store names.
"""

from __future__ import annotations

import re

NOTHING_KNOWN = "an error (its words are not kept)"
MOST_KEPT = 3
OURS = frozenset(
    {
        "ERROR",
        "error",
        "failure",
        "no answer",
        "no success",
        "the span ended in an error",
    }
)
"""Sentences of the format modules for calls that failed without a word."""
OUR_FORMS = re.compile(r"HTTP [0-9]{3}|no answer: Helicone's status -?[0-9]{1,6}")
STATUS = re.compile(r"(?<![0-9A-Za-z.])[45][0-9]{2}(?![0-9A-Za-z.])")
WORD = re.compile(r"[A-Za-z][A-Za-z_]{3,60}")
KNOWN = {
    word.replace("_", "").lower(): word
    for word in """
    access_denied AccessDeniedException api_connection_error APIConnectionError api_error APIError
    APITimeoutError authentication_error AuthenticationError bad_gateway bad_request BadRequestError
    billing_hard_limit_reached billing_not_active blocked BudgetExceededError cancelled canceled
    conflict ConflictError connection_error ConnectionError content_filter content_policy_violation
    ContentPolicyViolationError context_length_exceeded context_window_exceeded
    ContextWindowExceededError deadline_exceeded DEADLINE_EXCEEDED DeploymentNotFound
    engine_overloaded expired failed failed_precondition FAILED_PRECONDITION forbidden
    gateway_timeout incomplete insufficient_quota internal_error internal_server_error
    InternalServerError InternalServerException invalid_api_key invalid_argument INVALID_ARGUMENT
    invalid_authentication invalid_image invalid_prompt invalid_request invalid_request_error
    InvalidRequestError invalid_value JSONDecodeError max_tokens_exceeded method_not_allowed
    missing_required_parameter model_not_available model_not_found ModelErrorException
    ModelNotReadyException ModelStreamErrorException ModelTimeoutException not_found NOT_FOUND
    not_found_error NotFoundError operation_not_supported organization_not_found overloaded
    overloaded_error permission_denied PERMISSION_DENIED permission_error PermissionDeniedError
    quota_exceeded rate_limit rate_limit_error rate_limit_exceeded rate_limited RateLimitError
    RateLimitReached ReadTimeout request_too_large requests_limit_exceeded resource_exhausted
    RESOURCE_EXHAUSTED ResourceNotFoundException server_error ServiceQuotaExceededException
    service_unavailable ServiceUnavailableError ServiceUnavailableException string_above_max_length
    TimeoutError throttled throttling ThrottlingException timed_out timeout tokens
    tokens_exceeded_error tokens_limit_reached too_many_requests TooManyRequests unauthenticated
    UNAUTHENTICATED unauthorized unavailable UNAVAILABLE unknown_error
    unprocessable_entity UnprocessableEntityError unsupported_country_region_territory
    unsupported_parameter unsupported_value user_error ValidationException validation_error
    ValidationError vector_store_timeout
    """.split()  # noqa: SIM905
}
"""Names of errors of the providers and proxies, without underscores and in small letters."""


def in_known_words(problem: str) -> str:
    """What a log says of a failure, in words of ``KNOWN`` alone."""
    if problem in OURS or OUR_FORMS.fullmatch(problem):
        return problem
    found = STATUS.findall(problem)[:1]
    for word in WORD.findall(problem):
        known = KNOWN.get(word.replace("_", "").lower())
        if known is not None and known not in found:
            found.append(known)
    return ": ".join(found[:MOST_KEPT]) or NOTHING_KNOWN
