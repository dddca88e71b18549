"""Releases that another agent applies, beside those that Shipway's own does."""
