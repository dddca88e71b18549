"""The log of a pod, and the file that its command left at the end of it."""

from __future__ import annotations

import base64
import gzip

from shipway.errors import FailError
from shipway.runners.environment import Output

# Of what a command printed, so much is shown where it could not start.
LAST_OUTPUT_BYTES = 65536


class PodLog:
    """What a pod prints; the file that its command left is cut off its end."""

    def __init__(self, mark: str, output: Output) -> None:
        self._begin, self._end = (f"\x1e{mark}{kind}\n".encode() for kind in "+.")
        self._output = output
        self._rest = b""
        self._file: list[bytes] | None = None
        self.last_output = b""

    def feed(self, chunk: bytes) -> None:
        """Pass on what is printed, but for what may be the begin of the mark."""
        if self._file is not None:
            self._file.append(chunk)
            return
        text, mark, file = (self._rest + chunk).partition(self._begin)
        if mark:
            self._file, self._rest = [file], b""
        else:
            begin = text.rfind(b"\x1e")
            cut = begin if begin >= 0 and self._begin.startswith(text[begin:]) else len(text)
            text, self._rest = text[:cut], text[cut:]
        self._tell(text)

    def results(self) -> bytes | None:
        """The file, once the log is at its end.

        Raises:
            FailError: A part of it is missing.
        """
        self._tell(self._rest)
        if self._file is None:
            return None
        content, end, _ = b"".join(self._file).partition(self._end)
        if not end:
            raise FailError(
                "The results in the pod's log are cut off.",
                expected="the file, packed by the image's gzip and base64",
                got=f"{len(content)} bytes of a log that ends before",
                remedy="see that the image has gzip and base64, and whether its node turned over "
                "the log (containerLogMaxSize)",
            )
        return gzip.decompress(base64.b64decode(content))

    def _tell(self, text: bytes) -> None:
        if text:
            self.last_output = (self.last_output + text)[-LAST_OUTPUT_BYTES:]
            self._output(text)
