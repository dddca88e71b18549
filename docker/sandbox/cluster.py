"""The Kubernetes cluster: a given one, else kind, else a node of our own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import kubebinary
import machine
import node
import processes
import registry
from state import ID, STATE, Unavailable, forget, port, read, remember

KUBECONFIG = STATE / "kubeconfig"
BUILDER = "cluster"
_PROGRESS = STATE / "cluster.json"
_KIND = f"shipway-{ID}"


def prepare(host: str) -> str:
    """Decide which cluster it will be, and write its kubeconfig where that can be known now.

    Returns:
        given, kind, node, or the reason why there is none.
    """
    if given := os.environ.get("SHIPWAY_KUBECONFIG"):
        shutil.copyfile(given, KUBECONFIG)
        KUBECONFIG.chmod(0o600)
        return remember("cluster", "given")
    if node.is_up():
        return remember("cluster", "node")
    if _kind_is_at_hand(host):
        return remember("cluster", "kind")
    try:
        machine.up()
        node.write_kubeconfig(KUBECONFIG)
    except Unavailable as reason:
        remember("cluster_missing", str(reason))
        return remember("cluster", "none")
    return remember("cluster", "node")


def build_later() -> None:
    """Bring the cluster up in the background; `wait` and `phase` follow it."""
    if read().get("cluster") in {"given", "none"} or is_ready():
        return
    if processes.pid_of(BUILDER) is None:
        _PROGRESS.unlink(missing_ok=True)
        processes.start(BUILDER, [sys.executable, str(Path(__file__).parent), "cluster"])


def build_now() -> None:
    """Bring the cluster up, and note the progress where others see it."""
    try:
        if read().get("cluster") == "kind":
            _note("starting", 0)
            _kind_up()
        else:
            binary = kubebinary.PROGRAM.have(lambda percent: _note("building", percent))
            _note("starting", 100)
            node.up(binary, KUBECONFIG)
    except Unavailable as reason:
        _note("failed", 0, str(reason))
        raise
    _note("ready", 100)


def wait() -> None:
    """Follow the build until the node is ready.

    Raises:
        Unavailable: It failed; with the reason.
    """
    shown = ""
    while (now := phase()) not in {"ready", "none"}:
        if now.startswith("failed"):
            raise Unavailable(now)
        if now != shown:
            print(f"  cluster: {now}", flush=True)
            shown = now
        if processes.pid_of(BUILDER) is None and phase() == now:
            raise Unavailable(f"the cluster's build ended:\n{processes.tail(BUILDER)}")
        time.sleep(0.5)


def phase() -> str:
    """ready, none, failed with a reason, or how far it is."""
    kind = read().get("cluster")
    if kind in {None, "none"}:
        return "none"
    if kind == "given" or is_ready():
        return "ready"
    if not _PROGRESS.exists():
        return "starting"
    known = json.loads(_PROGRESS.read_text())
    if known["phase"] == "failed":
        return f"failed: {known['reason']}"
    return f"{known['phase']} {known['percent']} %"


def is_ready() -> bool:
    """Whether the node takes pods."""
    if read().get("cluster") == "kind":
        return _PROGRESS.exists() and json.loads(_PROGRESS.read_text())["phase"] == "ready"
    return node.is_up() and node.is_ready(KUBECONFIG)


def down() -> None:
    """Remove what was started for the cluster; a given cluster is left alone."""
    processes.stop(BUILDER)
    if read().get("cluster") == "kind":
        subprocess.run(["kind", "delete", "cluster", "--name", _KIND], check=False)
    _PROGRESS.unlink(missing_ok=True)
    forget("cluster", "cluster_missing")


def _note(phase_name: str, percent: int, reason: str = "") -> None:
    draft = _PROGRESS.with_suffix(".new")
    draft.write_text(json.dumps({"phase": phase_name, "percent": percent, "reason": reason}))
    draft.rename(_PROGRESS)


def _kind_is_at_hand(host: str) -> bool:
    """Kind downloads its node image by itself; only an image that is here already is fit."""
    if shutil.which("kind") is None:
        return False
    listed = subprocess.run(
        ["docker", "image", "ls", "--quiet", "kindest/node"],
        env={**os.environ, "DOCKER_HOST": host},
        capture_output=True,
        text=True,
        check=False,
    )
    return bool(listed.stdout.strip())


def _kind_up() -> None:
    """A kind cluster that pulls from the loopback registry under the name it has on the host."""
    env = {**os.environ, "DOCKER_HOST": read()["docker_host"]}
    folder = "/etc/containerd/certs.d"
    patch = f'[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "{folder}"'
    config = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "containerdConfigPatches": [patch],
    }
    _command(
        *("kind", "create", "cluster", "--name", _KIND, "--kubeconfig", str(KUBECONFIG)),
        *("--wait", "120s", "--config", "/dev/stdin"),
        env=env,
        given=json.dumps(config),
    )
    gateway = _command(
        *("docker", "network", "inspect", "kind"),
        *("--format", "{{(index .IPAM.Config 0).Gateway}}"),
        env=env,
    )
    listen = f"TCP-LISTEN:{port('registry')},bind={gateway},fork,reuseaddr"
    processes.start("registry-kind", ["socat", listen, f"TCP:{registry.address()}"])
    hosts = f'[host."http://{gateway}:{port("registry")}"]\n'
    place = f"{folder}/{registry.address()}"
    write = f"mkdir -p {place} && cat > {place}/hosts.toml"
    node_name = f"{_KIND}-control-plane"
    _command("docker", "exec", "-i", node_name, "sh", "-c", write, env=env, given=hosts)


def _command(*command: str, env: dict[str, str], given: str | None = None) -> str:
    done = subprocess.run(
        command, input=given, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Unavailable(f"{command[0]} {command[1]}: {done.stderr.strip()[-500:]}")
    return done.stdout.strip()
