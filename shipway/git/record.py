"""`RELEASE`: what the last release commit said, as a file of the folder that it changed.

A message can be lost: a forge writes another one when it squashes. What a commit holds is kept,
however it is merged. No agent takes the file for a manifest, because of its name.
"""

from __future__ import annotations

from collections.abc import Mapping

from shipway.git.trailers import trailer_lines, trailers_in

RECORD_FILE = "RELEASE"

_HEAD = "# What was released here last. Shipway writes this file anew with each step.\n\n"


def write_record(said: Mapping[str, str]) -> bytes:
    """The file."""
    return (_HEAD + trailer_lines(said)).encode()


def record_in(files: Mapping[str, bytes]) -> dict[str, str]:
    """What a folder's record says; nothing where it has none, or one that cannot be read."""
    blocks = trailers_in(files.get(RECORD_FILE, b"").decode("utf-8", "replace"))
    return blocks[-1] if blocks else {}
