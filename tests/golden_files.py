"""Expected results that lie in files beside their inputs.

``AUDIT_REWRITE=1 pytest`` writes them anew; then read the difference before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "fixtures"
GOLDEN = ROOT / "tests" / "golden"
REWRITE = "AUDIT_REWRITE"


def assert_golden(actual: str, golden: Path) -> None:
    """``actual`` is what ``golden`` holds, to the byte."""
    if os.environ.get(REWRITE):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_bytes(actual.encode("utf-8"))
    assert actual == golden.read_bytes().decode("utf-8"), f"{REWRITE}=1 rewrites {golden.name}"
