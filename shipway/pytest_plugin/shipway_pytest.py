"""The pytest plugin that Shipway puts beside a suite. Standard library only: it goes into images.

It tells Shipway of each test the moment it is over, and runs only the tests of this shard. Apart
from that, the suite runs as plain pytest would run it: the variables that brought the plugin in are
put back before anything else sees them, and nothing is written to the suite's own folders.

A message is JSON between two separators, cut into pieces that a pipe takes in one go (PIPE_BUF), so
that a child process which prints at the same time cannot get in between. A piece ends its line: a
Docker engine joins standard output and error, and only lines stay whole there.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import signal
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from shipway_names import ITEM, ledger_name
from shipway_split import by_file, expected, split

PIECE = 3500
MOST_TEXT = 64_000
MOST_PASSED_OUTPUT = 2000
MOST_FRAMES = 8
# How long before its layer's time is up a test that still runs says where it stands.
BEFORE_END_SECONDS = 30

_environment: dict[str, str | None] = json.loads(os.environ.pop("SHIPWAY_RESTORE", "{}"))
for _name, _value in _environment.items():
    if _value is None:
        os.environ.pop(_name, None)
    else:
        os.environ[_name] = _value

_plan_file = os.environ.pop("SHIPWAY_PLAN", "")
# Before pytest captures what tests print.
_pipe = os.dup(1) if _plan_file else -1


def pytest_configure(config: pytest.Config) -> None:
    """Take part in a process that Shipway started, and in the workers of pytest-xdist there."""
    given: dict[str, Any] = getattr(config, "workerinput", {})
    file = given.get("shipway_plan", "") or _plan_file
    if not file:
        return
    plan = json.loads(gzip.decompress(Path(file).read_bytes()))
    selection = Selection(plan)
    config.pluginmanager.register(selection, "shipway-selection")
    if not given:
        reporter = Reporter(plan["token"], selection, config)
        config.pluginmanager.register(reporter, "shipway-reporter")


class Selection:
    """Which tests of the suite run in this process."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.chosen: list[str] = []
        self.collected = ""

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """See that a threshold of pytest-cov judges all tests of the layer, or none."""
        cov = session.config.pluginmanager.get_plugin("_cov")
        options: Any = getattr(cov, "options", None)
        if not getattr(options, "cov_fail_under", None):
            return
        if self.plan["only"] is not None:
            options.cov_fail_under = 0
        elif self.plan["shards"] > 1:
            raise pytest.UsageError(
                "A coverage threshold (--cov-fail-under, fail_under) would judge each shard alone: "
                "set shards: 1 for this layer in pipeline.yaml, or remove the threshold."
            )
        else:
            self.plan["done"] = []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leave out the tests of other shards, and those that are green already."""
        ids = sorted(item.nodeid for item in items)
        self.collected = hashlib.sha256("\n".join(ids).encode("utf-8", "replace")).hexdigest()
        chosen = chosen_of(ids, self.plan)
        others = [item for item in items if item.nodeid not in chosen]
        items[:] = [item for item in items if item.nodeid in chosen]
        self.chosen = [item.nodeid for item in items]
        if others:
            config.hook.pytest_deselected(items=others)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Let the process that shares out the tests know what a worker of pytest-xdist found."""
        output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["shipway"] = [self.collected, self.chosen]


def chosen_of(ids: list[str], plan: dict[str, Any]) -> set[str]:
    """The tests that this process is to run.

    Args:
        ids: Every test that pytest found.
        plan: `only` (tests, or null), `done` (tests) and `seconds` by test, both by the name that
            the ledger keeps, `split` (test or file), `shard` from 0, `shards`.
    """
    if plan["only"] is not None:
        return set(plan["only"]).intersection(ids)
    done = set(plan["done"])
    names = {test: ledger_name(test) for test in ids}
    left = [test for test in ids if names[test] not in done]
    known = {test: plan["seconds"][names[test]] for test in left if names[test] in plan["seconds"]}
    load = expected(left, known)
    if plan["split"] == "test":
        return set(split(load, plan["shards"])[plan["shard"]])
    files = {test: test.partition("::")[0] for test in left}
    chosen = set(split(by_file(load, files), plan["shards"])[plan["shard"]])
    return {test for test in left if files[test] in chosen}


class Reporter:
    """Tells Shipway what happens, as it happens."""

    def __init__(self, token: str, selection: Selection, config: pytest.Config) -> None:
        self._token = token
        self._selection = selection
        self._config = config
        self._running: dict[str, Any] = {}
        self._is_sending = False
        self._open: dict[str, dict[str, Any]] = {}
        self._sent = Counter[str]()
        self._failed: set[str] = set()
        self._explained = 0

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Have a test that hangs say where, shortly before it is ended.

        A signal, as a thread would be seen by the tests; one that nobody else has taken. The
        workers of pytest-xdist run tests where it is not heard.
        """
        left = self._selection.plan["seconds_left"]
        is_taken = signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL
        if left is None or is_taken or self._config.pluginmanager.has_plugin("dsession"):
            return
        signal.signal(signal.SIGALRM, self._tell_where)
        signal.setitimer(signal.ITIMER_REAL, max(left / 2, left - BEFORE_END_SECONDS, 0))

    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        """Say which test runs: should it hang, nothing else will be told of it."""
        name, line = _item_name(nodeid, self._sent[nodeid]), (location[1] or -1) + 1
        self._running = _new_result(name, location[0], line) | {"outcome": "failed"}
        self._send({"running": self._running})

    def _tell_where(self, _signal: int, frame: FrameType | None) -> None:
        if not self._running or self._is_sending:
            return
        # It is called in the middle of a test, which must not fail by it.
        with suppress(Exception):
            stack = "".join(traceback.format_stack(frame, MOST_FRAMES))
            where = {"text": stack, "output": _cut(captured(self._config))}
            self._send({"running": self._running | where})

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Say how many tests there are to run; with pytest-xdist, its workers find them."""
        if self._selection.collected:
            self._send_collected()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be read is a test that failed."""
        if report.failed:
            result = _new_result(report.nodeid, "", 0)
            self._send_failure(report, result)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A failure is told at once, all else when the test has cleaned up."""
        nodeid = report.nodeid
        if nodeid not in self._open and self._sent[nodeid] and report.when != "setup":
            # Only of a test that failed is anything left to come.
            self._explained += report.failed and nodeid in self._failed
            return
        file, line, _ = report.location
        result = self._open.setdefault(
            nodeid, _new_result(_item_name(nodeid, self._sent[nodeid]), file, (line or -1) + 1)
        )
        if _is_subtest(report) and not report.failed:
            # Its test says what it comes to, and how long it takes.
            return
        result["seconds"] += report.duration
        if str(report.outcome) == "rerun":
            # pytest-rerunfailures starts the test afresh.
            del self._open[nodeid]
        elif report.failed:
            self._send_failure(report, result)
        else:
            if report.skipped:
                result["outcome"] = "skipped"
                result["message"] = _reason(report)
            if report.when == "teardown":
                # The other half of a proof, should the test fail on this revision later.
                result["output"] = _output(report)[-MOST_PASSED_OUTPUT:]
                self._failed.discard(nodeid)
                self._send_result(nodeid, result)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Bring this plugin and the plan to a worker of pytest-xdist: it reads options anew."""
        node.workerinput["shipway_plan"] = _plan_file
        options = os.environ.get("PYTEST_ADDOPTS")
        variables = {
            "PYTEST_ADDOPTS": " ".join(filter(None, ["-p shipway_pytest", options])),
            "SHIPWAY_RESTORE": json.dumps({"PYTEST_ADDOPTS": options}),
        }
        node.gateway.remote_exec(f"import os; os.environ.update({variables!r})").waitclose()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take over what a worker of pytest-xdist found."""
        collection = getattr(node, "workeroutput", {}).get("shipway")
        if collection and not self._selection.chosen:
            self._selection.collected, self._selection.chosen = collection
            self._send_collected()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Say that the suite came to its end, and what it did not run."""
        chosen = Counter(self._selection.chosen)
        missing = [test for test, items in chosen.items() if self._sent[test] < items]
        # Such as a threshold of coverage that is not met.
        unexplained = session.testsfailed - self._explained
        end = {"end": int(exitstatus), "missing": missing[:10], "unexplained": unexplained}
        self._send(end)

    def _send_collected(self) -> None:
        selection = self._selection
        self._send({"collected": selection.collected, "count": len(selection.chosen)})

    def _send_failure(self, report: Any, result: dict[str, Any]) -> None:
        _note_failure(result, report)
        self._failed.add(report.nodeid)
        self._explained += 1
        self._send_result(report.nodeid, result)

    def _send_result(self, nodeid: str, result: dict[str, Any]) -> None:
        self._open.pop(nodeid, None)
        self._sent[nodeid] += 1
        self._send({"test": result})

    def _send(self, message: dict[str, Any]) -> None:
        self._is_sending = True
        for piece in _pieces(json.dumps(message), self._token):
            os.write(_pipe, piece)
        self._is_sending = False


def captured(config: pytest.Config) -> str:
    """What the running test has printed so far; nothing where this pytest keeps it elsewhere.

    pytest has no call that leaves it there for the test's own report.
    """
    capture: Any = getattr(
        config.pluginmanager.get_plugin("capturemanager"), "_global_capturing", 0
    )
    files = [getattr(getattr(capture, name, None), "tmpfile", None) for name in ("out", "err")]
    return "".join(map(_so_far, filter(None, files)))


def _so_far(file: Any) -> str:
    if hasattr(file, "getvalue"):
        return str(file.getvalue())
    size = os.fstat(file.fileno()).st_size
    # Its position is where the test goes on writing.
    return os.pread(file.fileno(), MOST_TEXT, max(0, size - MOST_TEXT)).decode("utf-8", "replace")


def _item_name(nodeid: str, earlier: int) -> str:
    """The name of a test: two items with one node id are two tests."""
    return f"{nodeid}{ITEM.format(earlier + 1)}" if earlier else nodeid


def _new_result(nodeid: str, file: str, line: int) -> dict[str, Any]:
    return {"name": nodeid, "outcome": "passed", "seconds": 0.0, "file": file, "line": line}


def _is_subtest(report: Any) -> bool:
    """Whether a report is of a part of a test; pytest and pytest-subtests give it a context."""
    return hasattr(getattr(report, "context", None), "kwargs")


def _subtest(report: Any) -> str:
    """Which subtest it is, as pytest itself would show it."""
    if not _is_subtest(report):
        return ""
    message, values = report.context.msg, report.context.kwargs
    parts = [f"[{message}]"] if message is not None else []
    if values:
        parts.append(f"({', '.join(f'{name}={value}' for name, value in values.items())})")
    return f"{' '.join(parts) or '(<subtest>)'}: "


def _note_failure(result: dict[str, Any], report: Any) -> None:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = report.longreprtext
    result["outcome"] = "failed"
    message = str(crash.message) if crash else text.strip().rpartition("\n")[2]
    result["message"] = _cut(_subtest(report) + message)
    result["text"] = _cut(text)
    result["output"] = _cut(_output(report))
    if crash:
        result["file"], result["line"] = os.path.relpath(crash.path), crash.lineno


def _output(report: Any) -> str:
    return "".join(f"{title}\n{lines}\n" for title, lines in report.sections)


def _reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return _cut(report.longrepr[2].removeprefix("Skipped: "))
    return _cut(str(getattr(report, "wasxfail", "")))


def _cut(text: str) -> str:
    """The begin and the end of a long text."""
    if len(text) <= MOST_TEXT:
        return text
    half = MOST_TEXT // 2
    return f"{text[:half]}\n[{len(text) - MOST_TEXT} characters left out]\n{text[-half:]}"


def _pieces(text: str, token: str) -> Iterator[bytes]:
    for begin in range(0, len(text), PIECE):
        more = "+" if begin + PIECE < len(text) else "."
        yield f"\x1e{token}{more}{text[begin : begin + PIECE]}\x1e\n".encode("ascii")
