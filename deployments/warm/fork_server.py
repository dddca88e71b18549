"""`python fork_server.py FD FOLDER MODULE…`: import once, then fork a process for each run.

FD is one end of a socket pair; the worker holds the other, so nobody else can ask. A message there
says when the modules are imported, those in FOLDER first. From then on each message of the worker
asks for a process. It brings the end of a socket of the run's own, and the run's standard output
and error.

The server says the process id on the run's socket, and the exit status when the run is over. If it
closes the socket without a word, the code has changed since it was imported, and the worker wants a
new server. The worker sends what the run shall be, a `Request`, and only the forked process reads
it: nothing of a run is ever in the memory of another.

A fork copies one thread only, so the server has but one. It ends when the worker is gone and every
run is over. It is started by its path, and imports nothing of Shipway by itself: a folder with
another version of Shipway gets that one.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TypedDict

REQUEST_SECONDS = 60
# Linux's CLOCK_REALTIME_COARSE, which files are dated by: the finer clock is a little ahead of it.
FILES_CLOCK = 5
READY = b"ready"
FORK = b"fork"

# Prefect's settings, in the folder that it starts in.
SETTINGS_FILES = ("prefect.toml", "pyproject.toml", ".env")


class Request(TypedDict):
    """What a forked process becomes.

    Attributes:
        argv: A module and its arguments, as after `python -m`, or a script and its arguments.
        folder: The working directory.
        environment: All of it; nothing of the server's own stays.
    """

    argv: list[str]
    folder: str
    environment: dict[str, str]


def main(control: socket.socket, folder: str, modules: list[str]) -> None:
    """Import, serve, and become what was asked for in a forked process."""
    began, given = time.clock_gettime_ns(FILES_CLOCK), dict(os.environ)
    sys.path[0] = str(Path.cwd())
    for name in modules:
        import_module(name)
    files = loaded_files() | {name: state_of(name) for name in SETTINGS_FILES}
    if (threads := len(list(Path("/proc/self/task").iterdir()))) > 1:
        raise RuntimeError(
            f"the imports have started {threads - 1} threads; a fork would lose them"
        )
    set_by_imports = {name: os.environ[name] for name in os.environ.keys() - given.keys()}
    gc.collect()
    # Nothing of it is ever garbage; looking through it would copy its pages into each run.
    gc.freeze()
    # Else each run would print it once more.
    sys.stdout.flush()
    sys.stderr.flush()
    # A worker that is gone by now is seen by what follows.
    with suppress(OSError):
        control.send(READY)
    run = serve(control, lambda: is_elsewhere(folder) or changed(files, began))
    if run is not None:
        become(read_request(run), set_by_imports)


def import_module(name: str) -> None:
    """Import a module; with `.*` behind its name, all that can be imported of the package."""
    package = importlib.import_module(name.removesuffix(".*"))
    if not name.endswith(".*"):
        return
    parts = pkgutil.walk_packages(
        getattr(package, "__path__", ()), f"{package.__name__}.", onerror=lambda _: None
    )
    for found in parts:
        if found.name.endswith(".__main__"):
            continue
        # A run that needs it says why it cannot be imported.
        with suppress(Exception):
            importlib.import_module(found.name)


def loaded_files() -> dict[str, tuple[int, int]]:
    """The files that the imported modules come from, each with its state now."""
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    return {file: state_of(file) for file in files if file}


def state_of(file: str) -> tuple[int, int]:
    """Which file it is, and when it last changed in nanoseconds: installers keep other dates."""
    try:
        stat = Path(file).stat()
    except OSError:
        return (0, 0)
    return (stat.st_ino, stat.st_ctime_ns)


def is_elsewhere(folder: str) -> bool:
    """Whether a folder is another one than was imported from: a link may lead to a new one."""
    try:
        return not Path(folder).samefile(Path.cwd())
    except OSError:
        return True


def changed(files: dict[str, tuple[int, int]], began: int) -> bool:
    """Whether a file is not what was imported, or may not be.

    Args:
        files: Each with its state after the imports.
        began: When the imports began, in nanoseconds since the epoch.
    """
    return any(state[1] >= began or state != state_of(file) for file, state in files.items())


def serve(control: socket.socket, is_stale: Callable[[], bool]) -> socket.socket | None:
    """Fork until the worker is gone and every run is over.

    Returns:
        The run's socket, in the process that was forked for it. Nothing, in the server.
    """
    wake, woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    # Only a signal with a handler wakes the selector.
    signal.signal(signal.SIGCHLD, note_that_one_ended)
    signal.set_wakeup_fd(woken)
    runs: dict[int, socket.socket] = {}
    events = selectors.DefaultSelector()
    events.register(wake, selectors.EVENT_READ)
    events.register(control, selectors.EVENT_READ)
    asked_for = True
    while asked_for or runs:
        for key, _ in events.select():
            if key.fd == wake:
                with suppress(BlockingIOError):
                    os.read(wake, 4096)
                tell_ended(runs)
                continue
            word, fds, _, _ = socket.recv_fds(control, len(FORK), 3)
            if not word:
                events.unregister(control)
                asked_for = False
                continue
            run = socket.socket(fileno=fds[0])
            pid = None if is_stale() else os.fork()
            if pid == 0:
                for own in (control, events, *runs.values()):
                    own.close()
                be_a_process(wake, woken, fds[1:])
                return run
            for fd in fds[1:]:
                os.close(fd)
            if pid is None:
                run.close()
            else:
                runs[pid] = run
                say(run, pid)
    return None


def note_that_one_ended(number: int, frame: FrameType | None) -> None:
    """Nothing to do here: `serve` sees to it between two events."""


def be_a_process(wake: int, woken: int, output: list[int]) -> None:
    """Leave what is the server's, and take the standard output and error of a run."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    for standard, fd in zip((1, 2), output, strict=True):
        os.dup2(fd, standard)
    for fd in (wake, woken, *output):
        os.close(fd)


def tell_ended(runs: dict[int, socket.socket]) -> None:
    """Say the exit status of each run that is over, as `subprocess` counts it."""
    while runs:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        # An import may have left a child of its own.
        if run := runs.pop(pid, None):
            say(run, os.waitstatus_to_exitcode(status))
            run.close()


def say(run: socket.socket, number: int) -> None:
    """A line for the worker, if it is still there."""
    with suppress(OSError):
        run.sendall(b"%d\n" % number)


def read_request(run: socket.socket) -> Request:
    """What the worker wants of this process.

    Raises:
        TimeoutError: It does not say: it has taken this process for lost.
    """
    run.settimeout(REQUEST_SECONDS)
    with run, run.makefile("rb") as stream:
        return json.loads(stream.readline())


def become(request: Request, set_by_imports: Mapping[str, str]) -> None:
    """Run what was asked for, as a Python of its own would."""
    os.environ.clear()
    os.environ.update({**set_by_imports, **request["environment"]})
    os.chdir(request["folder"])
    sys.argv = request["argv"]
    module = sys.argv[0]
    if Path(module).is_absolute():
        runpy.run_path(module, run_name="__main__")
    else:
        # Others may have imported it; it is to be run anew.
        sys.modules.pop(module, None)
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2], sys.argv[3:])
