"""Objects written without Git, which needs a process for each of them."""

from __future__ import annotations

import zlib
from pathlib import Path
from uuid import uuid4

from shipway.git.objects import object_head, object_id

# The fastest one; Git packs what it sends anew.
_COMPRESSION = 1


def write_object(repository: Path, kind: str, content: bytes, digits: int) -> str:
    """Write an object into a file of its own, and return its id.

    A file of that name is replaced: it may be spoiled.

    Args:
        repository: The bare repository.
        kind: Such as `blob`.
        content: Its content.
        digits: How long the repository's ids are.

    Raises:
        OSError: It cannot be written.
    """
    oid = object_id(kind, content, digits)
    folder = repository / "objects" / oid[:2]
    folder.mkdir(exist_ok=True)
    # Nobody finds half of it. Git takes what has such a name for left over.
    file = folder / f"tmp_obj_{uuid4().hex}"
    try:
        file.write_bytes(zlib.compress(object_head(kind, content) + content, _COMPRESSION))
        file.chmod(0o444)
        file.rename(folder / oid[2:])
    finally:
        file.unlink(missing_ok=True)
    return oid
