"""`shipway metrics`: a service that Prometheus asks how releases go."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter
from prometheus_client import CollectorRegistry, Gauge, disable_created_metrics, start_http_server

from shipway.app_environment import AppEnvironment
from shipway.cli.blocks import ops_repository
from shipway.cli.ended_runs import EndedRuns, queued
from shipway.cli.prefect_server import PrefectServer, connect
from shipway.errors import RefuseError, ShipwayError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.metrics.deployments import Deployments
from shipway.metrics.environments import Environments
from shipway.metrics.queue import Queue
from shipway.metrics.runs import Runs
from shipway.rollout.deployed import Deployed, deployed_in
from shipway.rollout.status import SUMMARY, read_summary

LOOK_SECONDS = 30.0


def metrics(
    *,
    host: Annotated[str, Parameter(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="Port to listen on.")] = 4202,
) -> int:
    """Serve metrics of releases to Prometheus.

    It goes on until it is told to end. It asks the ops repository and the Prefect
    server twice a minute, however often it is asked itself.
    """
    exporter = Exporter(connect())
    try:
        start_http_server(port, host, exporter.registry)
    except OSError as error:
        raise RefuseError(
            "Nobody can listen there.",
            where=f"{host}:{port}",
            expected="an address of this machine, and a port that is free",
            got=str(error),
            remedy="give another --host or --port",
        ) from error
    print(f"http://{host}:{port}/metrics", flush=True)
    with suppress(KeyboardInterrupt):
        while True:
            exporter.look()
            time.sleep(LOOK_SECONDS)
    return 0


class Exporter:
    """Looks at Git and at Prefect, and keeps what it has seen for Prometheus.

    Args:
        server: The Prefect server.

    Attributes:
        registry: What is known. A source that was never looked at has no metrics.
    """

    def __init__(self, server: PrefectServer) -> None:
        # Of what is counted from the history, the time when this process began says nothing.
        disable_created_metrics()
        self.registry = CollectorRegistry()
        self._server = server
        self._deployments, self._environments = Deployments(), Environments()
        self._runs, self._queue, self._ended = Runs(), Queue(), EndedRuns(server)
        self._there = frozenset[AppEnvironment]()
        self._known = set[str]()
        self._looked = Gauge(
            "shipway_looked_timestamp_seconds",
            "When the exporter has looked at a source last.",
            ("source",),
            registry=self.registry,
        )
        self.registry.register(self._environments)
        self.registry.register(self._queue)

    def look(self) -> None:
        """Look at both, each as far as it answers; what cannot be known now is served no more."""
        self._try("git", self._look_at_git, self._environments.forget)
        # Before Git has said what there is, no run could be told from a misspelt one.
        if "git" in self._known:
            self._try("prefect", self._look_at_runs, self._queue.forget)

    def _try(self, source: str, look: Callable[[], None], forget: Callable[[], None]) -> None:
        try:
            look()
        except ShipwayError as error:
            forget()
            print(f"✗ {source}: {error}", file=sys.stderr, flush=True)
        else:
            self._known.add(source)
            self._looked.labels(source).set_to_current_time()

    def _look_at_git(self) -> None:
        """What the folders say, what agents have seen of it, and what is new in the history."""
        page = self._server.get(f"artifacts/{SUMMARY}/latest")
        read = ops_repository(self._server).consult_each(self._read)
        if "git" not in self._known:
            self._deployments.register(self.registry)
        self._there = frozenset(whose for whose, _ in read)
        deployed = [one for _, one in read if one is not None]
        known = read_summary(page and page["data"])
        unreadable = len(read) - len(deployed)
        self._environments.show(deployed, unreadable, known, datetime.now(UTC))

    def _read(
        self, folder: OpsFolder, history: Callable[[], History]
    ) -> tuple[AppEnvironment, Deployed | None]:
        """What a folder says, if it can be read."""
        self._deployments.count(folder, history)
        try:
            return folder.app_environment, deployed_in(folder)
        except RefuseError:
            return folder.app_environment, None

    def _look_at_runs(self) -> None:
        """Which runs have ended, and which wait."""
        self._runs.expect(self._there)
        for run in self._ended.new():
            self._runs.count(run, self._there)
        if "prefect" not in self._known:
            self._runs.register(self.registry)
        self._queue.show(queued(self._server))
