"""The results files of a command: told behind what it prints, which every runner follows anyway."""

from __future__ import annotations

import base64
import gzip
import secrets
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from shipway.errors import FailError
from shipway.runners.environment import CANNOT_EXECUTE, Output, no_such_program
from shipway.runners.results_glob import results_glob
from shipway.test_tools.tool import Ended, Invocation

MOST_FILES = 10_000
MOST_BYTES = 256 * 1024 * 1024
# Of what a command printed, so much is shown where it could not start.
LAST_OUTPUT_BYTES = 65536

# As text, because a container engine takes carriage returns from line ends; packed, because a
# kubelet turns over a log of 10 MiB; each line with the mark, because lines of standard error may
# come between.
TELL_RESULTS = Path(__file__).with_name("tell_results.sh").read_text("utf-8")
END = b"."


class OutputWithResults:
    """What a command prints; the results files that are told behind it are cut off.

    Args:
        invocation: What was asked for.
        output: Called with what the command prints.

    Attributes:
        invocation: What to run instead: its command tells the results, too.
    """

    def __init__(self, invocation: Invocation, output: Output) -> None:
        mark = secrets.token_hex(8)
        self.invocation = _telling(invocation, mark)
        self._asked = invocation
        self._output = output
        self._mark = f"\x1e{mark}".encode()
        self._rest = b""
        self._last_output = b""
        self._lines: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        """Pass on what is printed, but for what may be the begin of a marked line."""
        first, *marked = (self._rest + chunk).split(self._mark)
        self._rest = b""
        if marked and b"\n" not in marked[-1]:
            self._rest = self._mark + marked.pop()
        text = first
        for part in marked:
            line, _, after = part.partition(b"\n")
            self._lines.append(line)
            text += after
        if not self._rest:
            begin = text.rfind(b"\x1e")
            cut = begin if begin >= 0 and self._mark.startswith(text[begin:]) else len(text)
            text, self._rest = text[:cut], text[cut:]
        self._pass_on(text)

    def ended(self, status: int) -> Ended:
        """How the invocation ended, once all of its output is known.

        Raises:
            RefuseError: There is no such program.
            FailError: Results are cut off, cannot be read, or are too large.
        """
        if not self._rest.startswith(self._mark):
            self._pass_on(self._rest)
        results = self._results()
        if status in CANNOT_EXECUTE and not results:
            last_output = self._last_output.decode("utf-8", "replace")
            raise no_such_program(self._asked.command, last_output)
        return Ended(status=status, results=results)

    def _results(self) -> dict[str, bytes]:
        if not self._lines:
            return {}
        where = f"{self._asked.results} of {' '.join(self._asked.command)}"
        if self._lines[-1] != END:
            raise FailError(
                "The results in the command's output are cut off.",
                where=where,
                expected="each file to its end",
                got=f"an output that ends after {len(self._lines)} lines of them",
                remedy="in a pod, see whether its node turned over the log (containerLogMaxSize)",
            )
        files = _told_files(self._lines[:-1])
        size = sum(file.size for file in files)
        if len(files) > MOST_FILES or size > MOST_BYTES:
            raise FailError(
                "The test results are too large.",
                where=where,
                expected=f"at most {MOST_BYTES} bytes in at most {MOST_FILES} files",
                got=f"{size} bytes in {len(files)} files",
                remedy="let the layer's junit match results files only, or split the layer",
            )
        return {file.path: _content(file) for file in files}

    def _pass_on(self, text: bytes) -> None:
        if text:
            self._last_output = (self._last_output + text)[-LAST_OUTPUT_BYTES:]
            self._output(text)


class _ToldFile(NamedTuple):
    path: str
    size: int
    packed: list[bytes]


def _telling(invocation: Invocation, mark: str) -> Invocation:
    if invocation.results is None:
        return invocation
    glob = results_glob(invocation.results)
    facts = (mark, glob.root, glob.folder, glob.depth, glob.expression, MOST_FILES, MOST_BYTES)
    script = ["sh", "-c", TELL_RESULTS, "shipway", *map(str, facts)]
    return invocation.model_copy(update={"command": [*script, *invocation.command]})


def _told_files(lines: Sequence[bytes]) -> list[_ToldFile]:
    files: list[_ToldFile] = []
    for line in lines:
        if line.startswith(b":"):
            size, _, path = line[1:].decode("utf-8", "backslashreplace").partition(" ")
            files.append(_ToldFile(path.removeprefix("./"), int(size), []))
        else:
            files[-1].packed.append(line)
    return files


def _content(file: _ToldFile) -> bytes:
    try:
        content = gzip.decompress(base64.b64decode(b"".join(file.packed), validate=True))
    except (ValueError, OSError, EOFError, zlib.error):
        content = b""
    if len(content) != file.size:
        raise FailError(
            "A results file cannot be read.",
            where=file.path,
            expected=f"{file.size} bytes, packed by gzip and base64",
            got=f"{len(content)} bytes",
            remedy="see that the image has both, that the command's user may read the file, and "
            "that nothing writes to it after the command",
        )
    return content
