"""What a store must not know: who called, under which key, and the words of logs."""

from auditor.privacy.identities import is_of_a_provider
from auditor.privacy.problems import in_known_words
from auditor.privacy.pseudonyms import Pseudonyms, Shown

__all__ = ["Pseudonyms", "Shown", "in_known_words", "is_of_a_provider"]
