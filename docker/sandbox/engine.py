"""The Docker Engine: one that answers already, else Debian's in the sandbox's own namespaces."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import machine
import processes
from packages import need
from state import SOCKETS, STATE, Unavailable, remember

NAME = "dockerd"
_SOCKET = SOCKETS / "docker.sock"
_OWN = f"unix://{_SOCKET}"
_PID_FILE = SOCKETS / "docker.pid"
# As Debian's unit does: an engine that a panic (2) or a signal ended starts anew.
_RESTARTED = """
while rm -f "$0"; dockerd "$@"; status=$?; [ $status -eq 2 ] || [ $status -gt 128 ]; do
  echo "fatal error: dockerd ended with $status; it starts anew"
done
exit $status
"""


def up() -> str:
    """Have an engine; return its address."""
    if processes.pid_of(NAME) is not None:
        # One answer that is missed is no death: others may be using it.
        processes.wait_until(lambda: answers(_OWN), NAME)
        return remember("docker_host", _OWN)
    for host in (os.environ.get("DOCKER_HOST"), "unix:///var/run/docker.sock"):
        if host and answers(host):
            return remember("docker_host", host)
    need({"docker.io": "/usr/sbin/dockerd"}, "Docker")
    machine.up()
    processes.start(
        NAME,
        machine.inside(
            *("sh", "-c", _RESTARTED, str(_PID_FILE)),
            f"--host={_OWN}",
            f"--data-root={STATE / 'docker-data'}",
            f"--exec-root={SOCKETS / 'docker'}",
            f"--pidfile={_PID_FILE}",
            f"--mtu={machine.mtu()}",
            f"--cgroup-parent={machine.CGROUP}",
            "--exec-opt=native.cgroupdriver=cgroupfs",
            "--bip=10.216.0.1/24",
            "--default-address-pool=base=10.217.0.0/16,size=24",
        ),
    )
    processes.wait_until(lambda: answers(_OWN), NAME)
    return remember("docker_host", _OWN)


def is_private() -> bool:
    """Whether the engine is the sandbox's own."""
    return processes.pid_of(NAME) is not None


def answers(host: str) -> bool:
    """Whether an engine answers at this address."""
    if host.startswith("unix://") and not Path(host.removeprefix("unix://")).exists():
        return False
    return shutil.which("docker") is not None and _docker("docker", host, "version") == 0


def cli(host: str) -> str:
    """A docker command that can use BuildKit: with buildx, or old enough to have it built in.

    Raises:
        Unavailable: None of those on this machine can.
    """
    candidates = [shutil.which("docker"), "/usr/bin/docker"]
    for command in dict.fromkeys(path for path in candidates if path and Path(path).exists()):
        if _docker(command, host, "buildx", "version") == 0:
            return command
        asked = [command, "version", "--format", "{{.Client.Version}}"]
        version = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
        if version.split(".")[0].isdigit() and int(version.split(".")[0]) < 23:
            return command
    raise Unavailable("no docker command here can use BuildKit: install docker-buildx")


def _docker(command: str, host: str, *arguments: str) -> int:
    env = {**os.environ, "DOCKER_HOST": host}
    env.pop("DOCKER_CONTEXT", None)
    return subprocess.run(
        [command, *arguments], env=env, capture_output=True, check=False
    ).returncode
