"""What several tests share: logs written by hand, and runs of the tool on them."""
