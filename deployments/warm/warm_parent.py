"""The worker's side of a fork server: start one, and ask it for processes."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deployments.warm import fork_server
from deployments.warm.fork_server import FORK, READY, Request

# Of a run whose fork server was killed nobody can know the exit status.
UNKNOWN_STATUS = 255
IMPORT_SECONDS = 120


@dataclass
class ForkedRun:
    """A process that a fork server has forked, with the names that Prefect's process handle reads.

    Attributes:
        pid: Its process id; it leads a process group of its own.
        returncode: As `subprocess` counts it, once it is over.
    """

    pid: int
    _answers: asyncio.StreamReader
    _socket: asyncio.StreamWriter
    returncode: int | None = None

    async def wait(self) -> int:
        """Wait until the run is over; return its exit status."""
        pidfd = _pidfd(self.pid)
        try:
            status = await _line(self._answers)
            if not status and pidfd is not None:
                await _readable(pidfd)
            self.returncode = int(status) if status else UNKNOWN_STATUS
        finally:
            if pidfd is not None:
                os.close(pidfd)
            self._socket.close()
        return self.returncode


@dataclass(frozen=True)
class WarmParent:
    """A fork server that is ready."""

    _control: socket.socket

    async def fork(self, request: Request, *, show_output: bool) -> ForkedRun | None:
        """Fork a process for a request; nothing if the server is gone, or its code has changed."""
        ours, theirs = socket.socketpair()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        output = [1, 2] if show_output else [nowhere] * 2
        try:
            socket.send_fds(self._control, [FORK], [theirs.fileno(), *output])
        except OSError:
            ours.close()
            return None
        finally:
            theirs.close()
            os.close(nowhere)
        answers, requests = await asyncio.open_unix_connection(sock=ours)
        try:
            pid = await _line(answers)
        except BaseException:
            requests.close()
            raise
        if not pid:
            requests.close()
            return None
        requests.write(json.dumps(request).encode() + b"\n")
        return ForkedRun(int(pid), answers, requests)

    def close(self) -> None:
        """Let the server end when its runs are over."""
        self._control.close()


async def start_parent(
    folder: Path, modules: list[str], environment: Mapping[str, str]
) -> WarmParent | None:
    """Start a fork server; nothing if it cannot import what it is asked to.

    Raises:
        OSError: No process can be started in that folder.
        TimeoutError: The imports take longer than two minutes.
    """
    process, ours = _launch(folder, modules, environment)
    ours.setblocking(False)
    try:
        async with asyncio.timeout(IMPORT_SECONDS):
            said = await asyncio.get_running_loop().sock_recv(ours, len(READY))
    except BaseException:
        process.kill()
        ours.close()
        raise
    if said != READY:
        ours.close()
        return None
    ours.setblocking(True)
    return WarmParent(ours)


def _launch(
    folder: Path, modules: list[str], environment: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        # Not asyncio's: that would kill the server together with the object that stands for it.
        process = subprocess.Popen(
            [sys.executable, fork_server.__file__, str(theirs.fileno()), str(folder), *modules],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    return process, ours


async def _line(answers: asyncio.StreamReader) -> bytes:
    """What the other end says next; nothing if it is gone."""
    try:
        return await answers.readline()
    except OSError:
        return b""


def _pidfd(pid: int) -> int | None:
    """Tells when a process that is nobody's child here is over; nothing if it is over already."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


async def _readable(fd: int) -> None:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(fd, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(fd)
