"""What all tests need.

The benchmarks are no part of the package: tests find them in the checkout, behind the rest. And a
shell begins jobs in its background deaf to SIGINT, which every process begun by them inherits.
"""

import signal
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent))
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
