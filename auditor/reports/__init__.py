"""Results to terminals and files. No arithmetic on money: that was done in SQL."""
