from __future__ import annotations

import base64
import gzip

import pytest

from shipway.errors import FailError
from shipway.runners.pod_log import PodLog


def framed(content: bytes) -> bytes:
    return b"\x1emark+\n" + base64.encodebytes(gzip.compress(content)) + b"\x1emark.\n"


def test_a_log_is_what_is_printed_and_the_file_behind_it_at_every_cut() -> None:
    stream = b"one\x1e\x1ema\ntwo\n" + framed(b"<x/>\r\n\x1e")
    for cut in range(len(stream) + 1):
        said: list[bytes] = []
        log = PodLog("mark", said.append)
        log.feed(stream[:cut])
        log.feed(stream[cut:])
        assert log.results() == b"<x/>\r\n\x1e"
        assert b"".join(said) == b"one\x1e\x1ema\ntwo\n"


def test_a_log_without_a_file_is_whole() -> None:
    said: list[bytes] = []
    log = PodLog("mark", said.append)
    log.feed(b"one\n\x1emar")
    assert log.results() is None
    assert b"".join(said) == b"one\n\x1emar"
    assert log.last_output == b"one\n\x1emar"


def test_a_file_that_is_cut_off_is_red() -> None:
    log = PodLog("mark", lambda chunk: None)
    log.feed(framed(b"<x/>" * 100)[:-1])
    with pytest.raises(FailError, match="The results in the pod's log are cut off"):
        log.results()
