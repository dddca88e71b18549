"""Lines out of a stream that comes in pieces."""

from __future__ import annotations

LONGEST = 64_000


class Lines:
    """Cuts chunks into lines; a line without an end is cut where it gets too long."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[str]:
        """The lines that are complete now."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > LONGEST:
            lines.append(self._rest)
            self._rest = b""
        return [_text(line) for line in lines]


def _text(line: bytes) -> str:
    # A database of logs may hold no NUL.
    return line[:LONGEST].decode("utf-8", "replace").rstrip("\r").replace("\0", "\ufffd")
