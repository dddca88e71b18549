"""BuildKit: two buildkitd, as two machines of a team would have them, and buildctl.

They run in the sandbox's namespaces, and let in only who has the client's keys.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import certificates
import machine
import processes
import registry
from gobuild import Program
from packages import need
from state import SOCKETS, STATE

NAMES = ("buildkitd", "buildkitd-2")
_PORTS: dict[str, int] = dict(zip(NAMES, (1234, 1235), strict=True))
_DATA = STATE / "buildkit"
_VERSION = "v0.34.2"
_MODULE = "github.com/moby/buildkit"
_DAEMON, _CLIENT = (
    Program(
        name=name,
        folder="buildkit",
        package=f"{_MODULE}/cmd/{name}",
        flags=f"-s -w -X {_MODULE}/version.Version={_VERSION}",
    )
    for name in ("buildkitd", "buildctl")
)


def build(report: Callable[[str, int], None]) -> None:
    """Have both programs in the cache folder.

    Args:
        report: Called with a program, and the percentage of its packages that are compiled.

    Raises:
        Unavailable: They cannot be built here.
    """
    for program in (_DAEMON, _CLIENT):
        program.have(lambda percent, name=program.name: report(name, percent))


def up() -> None:
    """Start both, and wait until they take builds.

    Raises:
        Unavailable: We are not root, or one ends or does not get ready; with the end of its log.
    """
    need({"runc": "runc"}, "BuildKit")
    machine.up()
    registry.forward()
    if not any(map(processes.pid_of, NAMES)):
        certificates.make_mutual(_DATA / "keys", machine.address())
    for name in NAMES:
        if processes.pid_of(name) is None:
            command = machine.inside(str(_DAEMON.path), "--config", str(_configuration(name)))
            processes.start(name, command)
    for name in NAMES:
        processes.wait_until(lambda name=name: _answers(name), name)


def address(name: str) -> str:
    """Where one of them listens, known before it is up."""
    return f"tcp://{machine.address()}:{_PORTS[name]}"


def keys() -> Path:
    """The folder with a client's keys, known before they are made."""
    return _DATA / "keys" / "client"


def client() -> str:
    """The buildctl command, known before it is there."""
    return str(_CLIENT.path)


def daemon() -> str:
    """The buildkitd program, known before it is there."""
    return str(_DAEMON.path)


def _answers(name: str) -> bool:
    connection = [client(), "--addr", address(name), "--tlsdir", str(keys())]
    asked = [*connection, "debug", "workers"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def _configuration(name: str) -> Path:
    own = _DATA / "keys" / "server"
    file = _DATA / f"{name}.toml"
    file.write_text(
        f"""root = "{_DATA / name}"
[grpc]
  address = ["{address(name)}"]
  [grpc.tls]
    ca = "{own / "ca.pem"}"
    cert = "{own / "cert.pem"}"
    key = "{own / "key.pem"}"
[otel]
  socketPath = "{SOCKETS / name}-otel.sock"
[worker.oci]
  enabled = true
  defaultCgroupParent = "{machine.CGROUP}"
[worker.containerd]
  enabled = false
"""
    )
    return file
