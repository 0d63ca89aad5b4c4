"""The benchmarks are no part of the package: they come from the checkout, behind what is installed."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent))
