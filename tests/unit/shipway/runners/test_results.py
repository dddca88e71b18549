from __future__ import annotations

import base64
import gzip

import pytest

from shipway.errors import FailError, RefuseError
from shipway.runners import results
from shipway.runners.results import OutputWithResults
from shipway.test_tools.tool import Ended, Invocation

INVOCATION = Invocation(command=["tool", "-q"], env={"A": "1"}, results="out/*.xml")
CONTENT = b"<x/>\r\n\x1e"


@pytest.fixture(autouse=True)
def known_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda _: "mark")


def told(path: str, content: bytes, size: int | None = None) -> bytes:
    """What a command tells of a file."""
    packed = base64.encodebytes(gzip.compress(content)).splitlines()
    size = len(content) if size is None else size
    return marked(f":{size} {path}".encode(), *packed)


def marked(*lines: bytes) -> bytes:
    return b"".join(b"\x1emark" + line + b"\n" for line in lines)


def ended(stream: bytes, status: int = 0) -> Ended:
    output = OutputWithResults(INVOCATION, lambda _: None)
    output.feed(stream)
    return output.ended(status)


def test_output_is_what_is_printed_and_the_files_behind_it_at_every_cut() -> None:
    stream = b"one\x1e\x1ema\ntwo" + told("./out/a.xml", CONTENT) + b"between\n"
    stream += told("/b.xml", b"") + marked(b".") + b"late"
    for cut in range(len(stream) + 1):
        said: list[bytes] = []
        output = OutputWithResults(INVOCATION, said.append)
        output.feed(stream[:cut])
        output.feed(stream[cut:])
        assert output.ended(1) == Ended(status=1, results={"out/a.xml": CONTENT, "/b.xml": b""})
        assert b"".join(said) == b"one\x1e\x1ema\ntwobetween\nlate"


@pytest.mark.parametrize("stream", [b"", b"one\n\x1emar", b"\x1e", b"a\n" + marked(b".")])
def test_output_without_files_is_whole(stream: bytes) -> None:
    said: list[bytes] = []
    output = OutputWithResults(INVOCATION, said.append)
    output.feed(stream)
    assert output.ended(3) == Ended(status=3)
    assert b"".join(said) == stream.removesuffix(marked(b"."))


def test_output_is_passed_on_as_it_comes() -> None:
    said: list[bytes] = []
    output = OutputWithResults(INVOCATION, said.append)
    for chunk in (b".", b".F", b"\x1e", b"m", b"x"):
        output.feed(chunk)
    assert said == [b".", b".F", b"\x1emx"]


@pytest.mark.parametrize("lost", [1, 2, 8, 20, 60])
def test_files_that_are_cut_off_are_red(lost: int) -> None:
    stream = told("./out/a.xml", CONTENT) + told("./out/b.xml", CONTENT) + marked(b".")
    with pytest.raises(FailError, match="cut off") as caught:
        ended(stream[:-lost])
    assert caught.value.facts["where"] == "out/*.xml of tool -q"


@pytest.mark.parametrize(
    "stream",
    [
        told("./out/a.xml", CONTENT, size=len(CONTENT) + 1),
        told("./out/a.xml", b"", size=9),
        marked(b":9 ./out/a.xml"),
        marked(b":9 ./out/a.xml", b"no base64!"),
        marked(b":9 ./out/a.xml", b"AAAA"),
        told("./out/a.xml", CONTENT * 99)[:-10] + b"\n",
    ],
    ids=["of another size", "empty", "not packed", "no base64", "no gzip", "half of it"],
)
def test_a_file_that_is_not_as_it_was_is_red(stream: bytes) -> None:
    with pytest.raises(FailError, match="A results file cannot be read") as caught:
        ended(told("./out/good.xml", CONTENT) + stream + marked(b"."))
    assert caught.value.facts["where"] == "out/a.xml"


@pytest.mark.parametrize(("limit", "most"), [("MOST_FILES", 1), ("MOST_BYTES", 13)])
def test_files_over_the_limit_are_red_although_their_content_was_left_out(
    monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(results, limit, most)
    with pytest.raises(FailError, match="too large") as caught:
        ended(told("./out/a.xml", CONTENT) + marked(b":7 ./out/b.xml", b"."))
    assert caught.value.facts["got"] == "14 bytes in 2 files"


@pytest.mark.parametrize("status", [126, 127])
def test_a_program_that_cannot_start_is_refused_unless_there_are_results(status: int) -> None:
    with pytest.raises(RefuseError, match="cannot start") as caught:
        ended(b"tool: not found\n" + marked(b"."), status)
    assert caught.value.facts["where"] == "tool -q"
    assert "tool: not found" in str(caught.value.facts["got"])
    left = ended(told("./out/a.xml", CONTENT) + marked(b"."), status)
    assert left.results == {"out/a.xml": CONTENT}


def test_a_command_with_results_runs_in_a_shell_that_tells_them() -> None:
    invocation = OutputWithResults(INVOCATION, lambda _: None).invocation
    shell, _, script, *rest = invocation.command
    assert shell == "sh"
    assert "base64" in script
    assert rest[:4] == ["shipway", "mark", ".", "./out"]
    assert rest[-2:] == ["tool", "-q"]
    assert invocation.env == INVOCATION.env


def test_a_command_without_results_runs_as_it_is() -> None:
    plain = INVOCATION.model_copy(update={"results": None})
    assert OutputWithResults(plain, lambda _: None).invocation == plain


def test_kubernetes_changes_nothing_in_the_script() -> None:
    # It takes `$$` for `$`, and `$(NAME)` for a variable.
    assert "$$" not in results.TELL_RESULTS
