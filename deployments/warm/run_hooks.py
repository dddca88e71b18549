"""`python run_hooks.py FILE`: run a flow's hooks, as the worker would.

FILE holds a `What` as JSON. A hook that fails is told in the run's log, and the next one is run.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Literal

from prefect.client.schemas.objects import FlowRun, State
from prefect.flows import load_flow_from_flow_run
from prefect.runner._hook_runner import HookRunner
from pydantic import BaseModel

Which = Literal["cancellation", "crashed"]


class What(BaseModel):
    """Which hooks of which run."""

    which: Which
    flow_run: FlowRun
    state: State


async def main(what: What) -> None:
    """Load the flow and run its hooks."""
    hooks = HookRunner(resolve_flow=load_flow_from_flow_run)
    if what.which == "cancellation":
        await hooks.run_cancellation_hooks(what.flow_run, what.state)
    else:
        await hooks.run_crashed_hooks(what.flow_run, what.state)


if __name__ == "__main__":
    asyncio.run(main(What.model_validate_json(Path(sys.argv[1]).read_bytes())))
