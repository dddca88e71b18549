"""What others hear of a rollout: Prefect events, and the team's notification blocks."""

from __future__ import annotations

from typing import Any, Literal

from prefect.blocks.core import Block
from prefect.events import emit_event
from prefect.logging import get_run_logger

from flows.runtime.run_link import this_run
from shipway.rollout.target import Target

What = Literal["start", "step", "approval", "halt", "failure", "rollback", "done"]


async def announce(target: Target, what: What, words: str, **payload: str | float) -> None:
    """Emit the event `shipway.rollout.<what>`, and tell the notification blocks where people care.

    A message that does not get through is a warning in the log: no rollout fails by it.

    Args:
        target: The environment.
        what: What happened.
        words: For people, one line or more.
        payload: Figures for automations.
    """
    name = target.folder
    resource = {
        "prefect.resource.id": f"shipway.rollout.{name}",
        "prefect.resource.name": name,
        "shipway.app": target.app,
        "shipway.environment": target.environment,
    }
    emit_event(f"shipway.rollout.{what}", resource, payload={"words": words, **payload})
    # Of a step, there is an event; people need not hear of each.
    if what == "step":
        return
    for block in target.rollout.notify:
        await _tell(block, f"{name}: {what}", f"{words}\n{this_run()}")


async def _tell(name: str, subject: str, body: str) -> None:
    """Tell one notification block; that it cannot be told is a warning."""
    try:
        block: Any = await Block.aload(name)
        await block.anotify(body, subject)
    # Whatever a team's own block may raise.
    except Exception as error:
        get_run_logger().warning("The notification block %s was not told: %s", name, error)
