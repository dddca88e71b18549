"""Temporary folders that outlive no process for long: a run removes what killed ones left."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, gettempdir

from shipway.process_identity import is_gone, this_process

_OWNER = ".owner"


@contextmanager
def temporary_folder(kind: str) -> Generator[Path]:
    """A folder that only this user reads, gone afterwards.

    Args:
        kind: What it is for, as a part of its name.
    """
    with TemporaryDirectory(prefix=f"shipway-{kind}-") as name:
        folder = Path(name)
        (folder / _OWNER).write_text(this_process(), "ascii")
        yield folder


def remove_abandoned_folders() -> int:
    """Remove this user's temporary folders whose process was killed; return how many.

    They hold checkouts, and the secrets of a build or of Git.
    """
    count = 0
    for owner in Path(gettempdir()).glob(f"shipway-*/{_OWNER}"):
        # Another run may be removing the same one.
        with suppress(OSError):
            if owner.stat().st_uid == os.getuid() and is_gone(owner.read_text("ascii")):
                rmtree(owner.parent)
                count += 1
    return count
