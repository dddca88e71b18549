"""A machine within the machine: namespaces that the Docker Engine and the node live in.

Everything that needs root (mounts, bridges, packet filter rules, cgroups) happens in a mount, a
network and a pid namespace of its own. Ending its first process removes all of it at once, even
after a kill -9, and two checkouts cannot meet. On the host there is one veth pair, a route, one
masquerade rule and ip_forward.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import processes
from packages import need
from state import ID, SOCKETS, STATE, Unavailable, forget, read, remember

NAME = "machine"
VETH = f"shw{ID}"
_TAG = f"shipway-{ID}"
_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
_FORWARD_BEFORE = Path("/run/shipway-ip-forward")
_CGROUPS = Path("/sys/fs/cgroup")
CGROUP = f"/shipway-{ID}"

# Folders that the engine, the kubelet and the network plugins share with nobody.
_PRIVATE = tuple(
    Path(path)
    for path in (
        "/run/netns", "/run/containerd", "/run/docker", "/run/cni",
        "/var/lib/cni", "/var/lib/kubelet", "/var/log/pods", "/var/log/containers",
    )
)  # fmt: skip


def up() -> None:
    """Make the namespaces and their way out, if they are not there.

    Raises:
        Unavailable: We are not root.
    """
    if init_pid() is not None:
        return
    if os.geteuid() != 0:
        raise Unavailable(
            "an engine and a cluster of our own need root: run as root, or start Docker"
        )
    need({"iproute2": "ip", "iptables": "iptables", "util-linux": "nsenter"}, "the sandbox")
    down()
    SOCKETS.mkdir(mode=0o755, exist_ok=True)
    namespaces = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    init = [sys.executable, "-S", str(Path(__file__).with_name("init.py"))]
    processes.start(NAME, [*namespaces, *init])
    processes.wait_until(lambda: init_pid() is not None, NAME)
    _connect()


def down() -> None:
    """Remove the namespaces and every trace of them on the host."""
    processes.stop(NAME)
    if shutil.which("iptables") and os.geteuid() == 0:
        for table in ("nat", "filter"):
            for rule in _run("iptables", "-w", "-t", table, "-S").splitlines():
                if _TAG in rule:
                    arguments = shlex.split(rule)
                    _run("iptables", "-w", "-t", table, "-D", *arguments[1:])
    shutil.rmtree(SOCKETS, ignore_errors=True)
    others = [path for path in Path("/run").glob("shipway-*") if path.is_dir()]
    if _FORWARD_BEFORE.exists() and not others:
        _FORWARD.write_text(_FORWARD_BEFORE.read_text())
        _FORWARD_BEFORE.unlink()
    for name in read().get("private_folders", []):
        if Path(name).is_dir() and not any(Path(name).iterdir()):
            Path(name).rmdir()
    forget("private_folders")
    _remove_cgroups()


def init_pid() -> int | None:
    """The first process of the namespaces, as the host sees it."""
    outer = processes.pid_of(NAME)
    if outer is None:
        return None
    children = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
    return int(children[0]) if children else None


def inside(*command: str) -> list[str]:
    """The command line that runs `command` in the namespaces."""
    pid = init_pid()
    if pid is None:
        raise Unavailable("the sandbox's namespaces are gone; run `make up`")
    return ["nsenter", "-t", str(pid), "-n", "-m", "-p", "--", *command]


def run_inside(*command: str) -> str:
    """Run a command in the namespaces; return what it printed."""
    return _run(*inside(*command))


def address() -> str:
    """The namespaces' own address, reachable from the host."""
    return f"10.213.{_subnet()}.2"


def host_address() -> str:
    """The host's address as the namespaces see it; nothing listens there by itself."""
    return f"10.213.{_subnet()}.1"


def service_range() -> str:
    """The range of Service addresses, routed to the namespaces."""
    return f"10.215.{_subnet()}.0/24"


def mtu() -> int:
    """The MTU of the host's way out; a larger one inside would lose packets."""
    routes = json.loads(_run("ip", "-j", "route", "show", "default") or "[]")
    if not routes:
        return 1500
    return int(Path(f"/sys/class/net/{routes[0]['dev']}/mtu").read_text())


def make_cgroup() -> None:
    """Create the cgroup that the kubelet may use, in every hierarchy."""
    hierarchies = _hierarchies()
    for hierarchy in hierarchies:
        folder = hierarchy / CGROUP.strip("/")
        folder.mkdir(exist_ok=True)
        if hierarchy.name == "cpuset":
            for name in ("cpuset.cpus", "cpuset.mems"):
                (folder / name).write_text((hierarchy / name).read_text())
    if hierarchies == [_CGROUPS]:
        controllers = (_CGROUPS / "cgroup.controllers").read_text().split()
        (_CGROUPS / CGROUP.strip("/") / "cgroup.subtree_control").write_text(
            " ".join(f"+{name}" for name in controllers)
        )


def _connect() -> None:
    pid = str(init_pid())
    host, peer = host_address(), address()
    size = str(mtu())
    _run("ip", "link", "add", VETH, "type", "veth", "peer", "name", "up0", "netns", pid)
    _run("ip", "address", "add", f"{host}/30", "dev", VETH)
    _run("ip", "link", "set", VETH, "mtu", size, "up")
    _run("ip", "route", "add", service_range(), "via", peer)
    run_inside("ip", "link", "set", "lo", "up")
    run_inside("ip", "address", "add", f"{peer}/30", "dev", "up0")
    run_inside("ip", "link", "set", "up0", "mtu", size, "up")
    run_inside("ip", "route", "add", "default", "via", host)
    run_inside("sysctl", "-qw", "net.ipv4.ip_forward=1")
    run_inside("mount", "--make-rshared", "/")
    _furnish()
    if not _FORWARD_BEFORE.exists():
        _FORWARD_BEFORE.write_text(_FORWARD.read_text())
    _FORWARD.write_text("1")
    tag = ["-m", "comment", "--comment", _TAG]
    source = ["-s", f"{peer}/30", "!", "-o", VETH]
    _run("iptables", "-w", "-t", "nat", "-A", "POSTROUTING", *source, *tag, "-j", "MASQUERADE")
    if "-P FORWARD ACCEPT" not in _run("iptables", "-w", "-S", "FORWARD"):
        for direction in ("-i", "-o"):
            _run("iptables", "-w", "-I", "FORWARD", direction, VETH, *tag, "-j", "ACCEPT")


def _furnish() -> None:
    missing = [path for path in _PRIVATE if not path.exists()]
    remember("private_folders", [str(path) for path in missing])
    for path in _PRIVATE:
        path.mkdir(parents=True, exist_ok=True)
        private = STATE / "machine" / path.name
        private.mkdir(parents=True, exist_ok=True)
        run_inside("mount", "--bind", str(private), str(path))


def _subnet() -> int:
    """A number that no other route of this machine uses; remembered while up."""
    remembered = read().get("subnet")
    if remembered is not None:
        return remembered
    routes = _run("ip", "route", "show", "table", "all")
    for number in range(1, 250):
        if f"10.213.{number}." not in routes and f"10.215.{number}." not in routes:
            return remember("subnet", number)
    raise Unavailable("no free range among 10.213.N.0/30 and 10.215.N.0/24")


def _hierarchies() -> list[Path]:
    if (_CGROUPS / "cgroup.controllers").exists():
        return [_CGROUPS]
    return [path for path in _CGROUPS.iterdir() if (path / "cgroup.procs").exists()]


def _remove_cgroups() -> None:
    for hierarchy in _hierarchies():
        top = hierarchy / CGROUP.strip("/")
        if top.is_dir():
            for folder in sorted(top.rglob("*/"), reverse=True):
                folder.rmdir()
            top.rmdir()


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"{shlex.join(command)}: {done.stderr.strip()}")
    return done.stdout
