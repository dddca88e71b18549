"""JUnit XML as text that a Prefect artifact can hold, so that a CI job elsewhere can fetch it."""

from __future__ import annotations

import base64
import gzip


def pack(xml: str) -> str:
    """JUnit XML, compressed: a hundred thousand tests are many megabytes."""
    return base64.b64encode(gzip.compress(xml.encode(), mtime=0)).decode()


def unpack(packed: str) -> bytes:
    """The JUnit XML that was packed."""
    return gzip.decompress(base64.b64decode(packed))
