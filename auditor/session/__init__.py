"""One run of a command: settings together, store open, result shown. Between cli and pipeline."""
