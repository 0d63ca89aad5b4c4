"""What a call belongs to, what the calls of a workload share, and who else answered its prompt.

Quantities in, quantities out: no money and no text leaves this room, only keyed hashes and counts.
"""

from auditor.workload.hashing import HashKey
from auditor.workload.heads import (
    Group,
    Head,
    HeadMaker,
    HeadSample,
    Part,
    Sampled,
    encoding_of,
    encoding_of_model,
    group_of,
    length_of,
    rank_of,
    rank_of_id,
)
from auditor.workload.identity import WORKLOAD_TAGS, Place, Places
from auditor.workload.pairs import Pair, observed_pairs
from auditor.workload.prefix import LEVELS, measure_prefixes

__all__ = [
    "LEVELS",
    "WORKLOAD_TAGS",
    "Group",
    "HashKey",
    "Head",
    "HeadMaker",
    "HeadSample",
    "Pair",
    "Part",
    "Place",
    "Places",
    "Sampled",
    "encoding_of",
    "encoding_of_model",
    "group_of",
    "length_of",
    "measure_prefixes",
    "observed_pairs",
    "rank_of",
    "rank_of_id",
]
