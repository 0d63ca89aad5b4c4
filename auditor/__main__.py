"""``python -m auditor`` is ``audit``."""

from auditor.entry import main

if __name__ == "__main__":
    main()
