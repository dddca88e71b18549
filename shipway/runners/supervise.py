"""`python supervise.py COMMAND…`: run a command, and end it with its asker.

The asker holds the other end of standard input. When that closes, because the asker is done or was
killed, every descendant of the command is killed, those that left its session as well: this process
is their reaper (PR_SET_CHILD_SUBREAPER), so they cannot be lost. Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
CANNOT_EXECUTE, NOT_FOUND = 126, 127


def main(command: list[str]) -> int:
    """Run the command; return its exit status, as a shell would."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return NOT_FOUND if isinstance(error, FileNotFoundError) else CANNOT_EXECUTE
    threading.Thread(target=_wait_for_the_asker, daemon=True).start()
    status = child.wait()
    _kill_descendants()
    return 128 - status if status < 0 else status


def _wait_for_the_asker() -> None:
    while os.read(0, 4096):
        pass
    _kill_descendants()
    os._exit(128 + signal.SIGKILL)


def _kill_descendants() -> None:
    """Kill children until there are none: those of the killed become children of this process."""
    while children := _children():
        for child in children:
            try:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            except (ProcessLookupError, ChildProcessError):
                continue


def _children() -> list[int]:
    # Each thread has children of its own in /proc.
    tasks = Path("/proc/self/task").glob("*/children")
    return [int(number) for task in tasks for number in task.read_text("ascii").split()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
