"""What a release is hit with."""

from __future__ import annotations

from typing import Literal

from prefect.client.orchestration import PrefectClient
from prefect.states import Cancelling

from bench.kills.own_worker import OwnWorker
from bench.kills.processes import kill, warm_parent_of
from bench.kills.stages import ReleaseRun

Kind = Literal["run", "worker", "parent", "cancel"]

TITLES: dict[Kind, str] = {
    "run": "kill -9 of the run",
    "worker": "kill -9 of the worker",
    "parent": "kill -9 of the warm parent",
    "cancel": "cancel, as in the UI",
}


async def hit(
    kind: Kind, client: PrefectClient, worker: OwnWorker, release: ReleaseRun, process: int
) -> frozenset[int]:
    """Hit a release.

    Args:
        kind: With what.
        client: The Prefect server.
        worker: The worker of the run.
        release: The run.
        process: The run's own process.

    Returns:
        The processes that are to be gone once the run is over.
    """
    parent = warm_parent_of(process)
    if kind == "run":
        kill(process)
    elif kind == "worker":
        worker.kill()
    elif kind == "parent":
        if parent is not None:
            kill(parent)
    else:
        # As the button in the UI does.
        await client.set_flow_run_state(release.id, Cancelling())
    gone = {process}
    if parent is not None and kind in {"worker", "parent"}:
        gone.add(parent)
    return frozenset(gone)
