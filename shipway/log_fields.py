"""Fields of each line that a run logs, for logs that programs read: what the run is about.

Prefect sets up its logging while it is imported, and this with it.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_NOTHING: Mapping[str, str] = MappingProxyType({})
_about: ContextVar[Mapping[str, str]] = ContextVar("log_fields", default=_NOTHING)


@contextmanager
def log_about(**fields: str) -> Generator[None]:
    """Have each line within say what it is about; what `add_field` adds within ends with it."""
    token = _about.set({**_about.get(), **fields})
    try:
        yield
    finally:
        _about.reset(token)


def add_field(name: str, value: str) -> None:
    """Have each line from here on say one thing more."""
    _about.set({**_about.get(), name: value})


class LogFields(logging.Filter):
    """Gives each record its fields, and its message as a whole: a formatter may leave out args."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        record.msg, record.args = record.getMessage(), ()
        for name, value in _about.get().items():
            setattr(record, name, value)
        return True
