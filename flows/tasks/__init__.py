"""Thin Prefect tasks: one verb each, retried by kind of error."""
