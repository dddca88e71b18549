"""The way out of a bad release: where it leads."""
