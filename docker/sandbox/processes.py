"""Daemons: started once, found again, ended with all that they started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from state import ID, LOGS, STATE, Unavailable

# Every daemon and every child of one carries both, so that none is missed and no other is hit.
_MARK = f"SHIPWAY_SANDBOX={ID}"
_PART = "SHIPWAY_SANDBOX_PART"
_RUN = STATE / "run"
GRACE_SECONDS = 10
_LAST_WORDS = ("panic: ", "fatal error: ", "runtime: ", "SIG")
_TAIL_LINES = 15


def start(
    name: str,
    command: list[str],
    *,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    cwd: Path | None = None,
) -> None:
    """Start a daemon in a session of its own; its output goes to <state>/log/<name>.log.

    What an earlier start of it left running, such as the child of a killed parent, is ended first.
    """
    _end(_of(name))
    _RUN.mkdir(parents=True, exist_ok=True)
    LOGS.mkdir(parents=True, exist_ok=True)
    key, value = _MARK.split("=")
    with (LOGS / f"{name}.log").open("ab") as log:
        said = log.tell()
        process = subprocess.Popen(
            command,
            env={**os.environ, **(env or {}), key: value, _PART: name},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=cwd or STATE,
            user=user,
            group=user,
            extra_groups=[] if user else None,
        )
    known = {"pid": process.pid, "born": _born(process.pid), "said": said}
    (_RUN / name).write_text(json.dumps(known))


def pid_of(name: str) -> int | None:
    """The pid of a daemon that runs; a reused pid is told apart by its start time."""
    known = _known(name)
    if not known or known["born"] is None:
        return None
    return known["pid"] if known["born"] == _born(known["pid"]) else None


def stop(name: str) -> None:
    """End a daemon and everything that it started: politely first."""
    _end(_of(name))
    (_RUN / name).unlink(missing_ok=True)


def stop_all() -> None:
    """End every daemon, and every process that carries this sandbox's mark."""
    _end([*_marked(None), *filter(None, map(pid_of, names()))])
    for file in _RUN.glob("*"):
        file.unlink()


def names() -> list[str]:
    """The daemons that were started and not stopped."""
    return sorted(file.name for file in _RUN.glob("*"))


def wait_until(
    ready: Callable[[], bool], name: str, seconds: float = 60, daemons: tuple[str, ...] = ()
) -> None:
    """Wait for a daemon to be ready.

    Raises:
        Unavailable: It ended or did not get ready; with the end of its log.
    """
    deadline = time.monotonic() + seconds
    while True:
        # Whoever has its port may answer in its place.
        answers = ready()
        dead = [daemon for daemon in daemons or (name,) if pid_of(daemon) is None]
        if answers and not dead:
            return
        if dead or time.monotonic() > deadline:
            daemon = dead[0] if dead else name
            what = "ended" if dead else f"was not ready within {seconds:.0f} s"
            raise Unavailable(f"{daemon} {what}; the end of its log:\n{tail(daemon)}")
        time.sleep(0.1)


def serves(page: str) -> bool:
    """Whether a part answers at a page that says how it is."""
    try:
        with urllib.request.urlopen(page, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def tail(name: str) -> str:
    """The end of what a daemon said since its start, or what it died of."""
    return last_words(name) or _indented(_log(name)[-_TAIL_LINES:])


def last_words(name: str) -> str:
    """What a daemon first died of since its start; nothing if it did not, or did not say."""
    lines = _log(name)
    died = [number for number, line in enumerate(lines) if line.startswith(_LAST_WORDS)]
    # Goroutines follow, often some thousand lines.
    return _indented(lines[died[0] :][:_TAIL_LINES]) if died else ""


def killed_for_memory() -> int:
    """How many processes this kernel ended for want of memory since it booted."""
    counters = dict(line.split() for line in Path("/proc/vmstat").read_text().splitlines())
    return int(counters.get("oom_kill", 0))


def _log(name: str) -> list[str]:
    file = LOGS / f"{name}.log"
    said = file.read_bytes()[_known(name).get("said", 0) :] if file.exists() else b""
    return said.decode(errors="replace").splitlines()


def _indented(lines: list[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)


def _known(name: str) -> dict[str, Any]:
    file = _RUN / name
    return json.loads(file.read_text()) if file.exists() else {}


def _born(pid: int) -> str | None:
    """Start time of a living process, in clock ticks since boot; None for a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def _of(name: str) -> list[int]:
    """A daemon, and what it started: some write their title over the marks, as Redis does."""
    pid = pid_of(name)
    return [*_marked(name), *([pid] if pid else [])]


def _marked(part: str | None) -> list[int]:
    marks = {_MARK.encode()} | ({f"{_PART}={part}".encode()} if part else set())
    pids: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = set((entry / "environ").read_bytes().split(b"\0"))
        except OSError:
            continue
        pid = int(entry.name)
        if marks <= environment and pid != os.getpid() and _born(pid):
            pids.append(pid)
    return pids


def _end(pids: list[int]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
        deadline = time.monotonic() + GRACE_SECONDS
        while any(_born(pid) for pid in pids) and time.monotonic() < deadline:
            _reap()
            time.sleep(0.05)
        if not any(_born(pid) for pid in pids):
            return


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return
