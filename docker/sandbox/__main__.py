"""The sandbox: everything that Shipway talks to, real and on this machine.

Usage: python docker/sandbox COMMAND, one of
  up [--cluster wait|later|none] [--gateway] [--flux] [--helm] [--ci] [--buildkit] [--servers]
    [--compose],
  down, clean, status, env [--json]
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
import time
from collections.abc import Callable
from typing import Any

import buildkit
import cirunners
import cluster
import compose
import database
import engine
import flux
import gateway
import gitserver
import images
import machine
import processes
import prometheus
import registry
import renderers
import server
import servers
from state import CACHE, HOME, LOGS, STATE, Unavailable, exclusive, forget, read


def up(clusters: str) -> None:
    """Bring up what is missing, in an order in which each part finds what it needs."""
    STATE.mkdir(parents=True, exist_ok=True)
    host = _step("engine", engine.up)
    _step("registry", registry.up)
    if engine.is_private():
        registry.forward()
    cli = engine.cli(host)
    (STATE / "docker").mkdir(exist_ok=True)
    base = _step("base images", lambda: images.up(host, cli))
    if clusters != "none":
        kind = cluster.prepare(host)
        if kind == "none":
            print(f"  no cluster: {read()['cluster_missing']}", flush=True)
        cluster.build_later()
    _step("git server", gitserver.up)
    data = _step("database", database.up)
    _step("prefect server", lambda: server.up(data))
    exports = env(cli, base)
    if _step("deployments", lambda: server.deploy(exports)):
        # The worker sees by itself that the code has changed.
        processes.stop(server.RECEIVER)
    server.start_worker(exports)
    _step("webhooks", lambda: server.start_receiver(exports))
    print(f"Prefect UI: {server.address()}", flush=True)


def up_all(clusters: str, more: list[str]) -> None:
    """Bring up what is missing, and wait for what takes minutes the first time."""
    with exclusive():
        up(clusters)
    if clusters == "wait":
        _step("cluster", cluster.wait)
    for option in more:
        start, _ = MORE[option]
        start()


def up_gateway() -> None:
    """Bring up the gateway of a cluster that is ready, and the metrics of what runs there."""
    # A build takes minutes; others may use the sandbox meanwhile.
    _step("gateway's build", lambda: gateway.build(_reporting("gateway")))
    with exclusive():
        _step("gateway", gateway.up)
        _step("prometheus", prometheus.up)
    print(f"Gateway: {gateway.url()}\nPrometheus: {prometheus.url()}", flush=True)


def up_flux() -> None:
    """Bring up the controllers of Flux in a cluster that is ready."""
    reports = {name: _reporting(name) for name in (flux.SOURCE, flux.KUSTOMIZE)}
    _step("Flux' build", lambda: flux.build(lambda name, percent: reports[name](percent)))
    with exclusive():
        _step("Flux", flux.up)


def up_buildkit() -> None:
    """Bring up BuildKit."""
    reports = {name: _reporting(name) for name in ("buildkitd", "buildctl")}
    _step("BuildKit's build", lambda: buildkit.build(lambda name, percent: reports[name](percent)))
    with exclusive():
        _step("BuildKit", buildkit.up)


def up_servers() -> None:
    """Bring up two more Prefect servers behind one address."""
    known = read()
    exports = env(engine.cli(known["docker_host"]), known["images"])
    with exclusive():
        _step("two servers", lambda: servers.up(exports))


def up_compose() -> None:
    """Have Docker Compose."""
    _step("Compose's build", lambda: compose.build(_reporting("Compose")))
    compose.install()


def up_helm() -> None:
    """Have Helm."""
    _step("Helm", lambda: renderers.build(_reporting("Helm")))


def up_ci() -> None:
    """Have what runs CI files."""
    _step("CI runners", cirunners.install)


# What `up` brings besides, by its option; each takes minutes the first time.
MORE: dict[str, tuple[Callable[[], None], str]] = {
    "gateway": (up_gateway, "with Gateway API and Prometheus"),
    "flux": (up_flux, "with Flux, which applies from Git"),
    "helm": (up_helm, "with Helm, to render charts"),
    "ci": (up_ci, "with what runs CI files here"),
    "buildkit": (up_buildkit, "with BuildKit, by address"),
    "servers": (up_servers, "with two more Prefect servers"),
    "compose": (up_compose, "with Docker Compose"),
}
IN_CLUSTER = ("gateway", "flux")


def _reporting(what: str) -> Callable[[int], None]:
    shown = -1

    def report(percent: int) -> None:
        nonlocal shown
        if percent != shown:
            print(f"  {what}: building {percent} %", flush=True)
        shown = percent

    return report


def down() -> None:
    """End everything, and leave the machine as it was; state files and caches stay."""
    cluster.down()
    for name in reversed(processes.names()):
        if name != machine.NAME:
            processes.stop(name)
    processes.stop_all()
    machine.down()
    forget("docker_host", "subnet")


def clean() -> None:
    """End everything and remove the state folder; caches stay."""
    down()
    database.remove()
    shutil.rmtree(STATE)


def status() -> None:
    """Print what runs, and where."""
    where = {
        "dockerd": read().get("docker_host", ""),
        "docker-registry": registry.address(),
        "git-server": gitserver.url(),
        "postgres": f"127.0.0.1:{read().get('port.database', '')}",
        server.NAME: server.address(),
        server.RECEIVER: server.receiver(),
        servers.PROXY: servers.client()["PREFECT_API_URL"],
        "traefik": gateway.url() if machine.init_pid() else "",
        "prometheus": prometheus.url() if machine.init_pid() else "",
        **({name: buildkit.address(name) for name in buildkit.NAMES} if machine.init_pid() else {}),
        "apiserver": f"https://{machine.address()}:6443" if machine.init_pid() else "",
    }
    if not processes.names():
        print("The sandbox is down; `make up` starts it.")
        return
    for name in processes.names():
        # What builds the cluster ends once it is there; the last line says how far it is.
        if name == cluster.BUILDER:
            continue
        pid = processes.pid_of(name)
        state = f"pid {pid}" if pid else "DEAD"
        print(f"{name:<18}{state:<14}{where.get(name, ''):<44}{LOGS / f'{name}.log'}")
        if words := processes.last_words(name) or (not pid and processes.tail(name)):
            print(words)
    print(f"{'cluster':<18}{cluster.phase()}")
    if killed := processes.killed_for_memory():
        print(f"{'memory':<18}the kernel killed {killed} processes for want of it since it booted")


def env(cli: str, base: dict[str, str]) -> dict[str, str]:
    """What a client of the sandbox needs to know."""
    return {
        **server.settings(),
        **server.webhook_secrets(),
        "SHIPWAY_WEBHOOKS": server.receiver(),
        **servers.where(),
        "SHIPWAY_HOME": str(HOME),
        "SHIPWAY_STATE": str(STATE),
        "SHIPWAY_CACHE": str(CACHE),
        # The cluster is built while the first release is on its way.
        "SHIPWAY_CLUSTER_SECONDS": "1800",
        "KUBECONFIG": str(cluster.KUBECONFIG),
        "DOCKER_HOST": read().get("docker_host", ""),
        "DOCKER_CONFIG": str(STATE / "docker"),
        "SHIPWAY_DOCKER_CLI": cli,
        "SHIPWAY_REGISTRY": registry.address(),
        "SHIPWAY_GIT_URL": gitserver.url(),
        "SHIPWAY_OPS_URL": f"{gitserver.url()}/ops.git",
        "SHIPWAY_GIT_ROOT": str(gitserver.ROOT),
        "SHIPWAY_GIT_USERNAME": gitserver.USER,
        "SHIPWAY_GIT_PASSWORD": read().get("git_password", ""),
        "SHIPWAY_PYTHON_IMAGE": base["python"],
        "SHIPWAY_POSTGRES_IMAGE": base["postgres"],
        "SHIPWAY_CLUSTER": read().get("cluster", "none"),
        # Where pods of the sandbox's own node would find what a test has listen for them.
        "SHIPWAY_SANDBOX_HOST": machine.host_address() if machine.init_pid() else "",
        "SHIPWAY_GATEWAY": gateway.url(),
        "SHIPWAY_PROMETHEUS": prometheus.url(),
        "SHIPWAY_KUSTOMIZE": renderers.kustomize(),
        "SHIPWAY_HELM": renderers.helm(),
        **_buildkit(),
        "SHIPWAY_GITLAB_CI_LOCAL": str(cirunners.command()),
    }


def _buildkit() -> dict[str, str]:
    """What a client of BuildKit needs; the bootstrap gets no address of it: the engine builds."""
    first, second = map(buildkit.address, buildkit.NAMES)
    return {
        "SHIPWAY_SANDBOX_BUILDKIT": first,
        "SHIPWAY_SANDBOX_BUILDKIT_2": second,
        "SHIPWAY_SANDBOX_BUILDKIT_KEYS": str(buildkit.keys()),
        "SHIPWAY_SANDBOX_BUILDKITD": buildkit.daemon(),
        "SHIPWAY_BUILDCTL": buildkit.client(),
    }


def _step(name: str, start: Callable[[], Any]) -> Any:
    begin = time.monotonic()
    result = start()
    print(f"✓ {name:<16}{time.monotonic() - begin:6.1f} s", flush=True)
    return result


def _chosen() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("up")
    start.add_argument("--cluster", choices=("wait", "later", "none"), default="wait")
    for option, (_, what) in MORE.items():
        start.add_argument(f"--{option}", action="store_true", help=what)
    for name in ("down", "clean", "status", "cluster"):
        commands.add_parser(name)
    commands.add_parser("env").add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    for option in IN_CLUSTER:
        if chosen.command == "up" and getattr(chosen, option) and chosen.cluster != "wait":
            parser.error(
                f"--{option} needs the cluster: it cannot go with --cluster {chosen.cluster}"
            )
    return chosen


def main() -> int:
    """Run one command."""
    chosen = _chosen()
    try:
        if chosen.command == "env":
            known = read()
            if "docker_host" not in known or "images" not in known:
                raise Unavailable("the sandbox is down: run `make up`")
            exports = env(engine.cli(known["docker_host"]), known["images"])
            lines = [f"export {key}={shlex.quote(value)}" for key, value in exports.items()]
            print(json.dumps(exports) if chosen.json else "\n".join(lines))
        elif chosen.command == "up":
            up_all(chosen.cluster, [option for option in MORE if getattr(chosen, option)])
        elif chosen.command in {"down", "clean"}:
            with exclusive():
                {"down": down, "clean": clean}[chosen.command]()
        else:
            {"status": status, "cluster": cluster.build_now}[chosen.command]()
    except Unavailable as reason:
        print(f"✗ {reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
