"""Where Shipway keeps files of its own: Git mirrors, and the ledger where it has no database.

All of them are safe to delete, but for `ledger.sqlite`: with it goes what is known of the tests.
"""

from __future__ import annotations

import os
from pathlib import Path


def workspace(*parts: str) -> Path:
    """A folder below `$SHIPWAY_STATE/work`, made if it is not there.

    Without `SHIPWAY_STATE` it lies below the user's cache folder (`$XDG_CACHE_HOME`, or ~/.cache).
    """
    state = os.environ.get("SHIPWAY_STATE")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = (Path(state) if state else cache / "shipway").joinpath("work", *parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
