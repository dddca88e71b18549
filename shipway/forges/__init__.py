"""Forges: where changes to a protected branch are asked for, and where commits show releases."""
