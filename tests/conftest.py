"""The benchmarks are no part of the package: tests find them in the checkout, behind the rest."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent))
