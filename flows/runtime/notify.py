"""What others hear of a rollout: Prefect events, the run's log, the team's notification blocks."""

from __future__ import annotations

import logging
from typing import Any, Literal

from prefect.blocks.core import Block
from prefect.events import emit_event

from flows.runtime.opened_run import opened_run_log
from flows.runtime.run_link import root_run, this_run
from shipway.release import Release
from shipway.rollout.target import Target

What = Literal["start", "step", "waits", "approval", "frozen", "red", "halt", "failure", "done"]

# A run that ends with an error has it in its log already.
_LOGGED_BY_PREFECT = {"halt", "failure"}
_WARNED_OF = {
    "release.waits",
    "release.approval",
    "release.frozen",
    "release.red",
    "rollback.start",
    "rollback.waits",
    "rollback.red",
}


async def announce(
    target: Target, release: Release, what: What, words: str, **payload: str | float
) -> None:
    """Record what happens, and tell the notification blocks of rollout.yaml.

    A message that does not get through is a warning in the log: no rollout fails by it.
    """
    record(target, release, what, words, **payload)
    await tell_blocks(target, f"{target.folder}: {_name(release, what)}", f"{words}\n{this_run()}")


def record(
    target: Target, release: Release, what: What, words: str, **payload: str | float
) -> None:
    """Emit the event `shipway.release.<what>`, or of a way back `shipway.rollback.<what>`; log it.

    docs/events.md promises names, resource and payload. Prefect sends events beside the run.

    Args:
        target: The environment.
        release: What goes there.
        what: What happened.
        words: For people, one line or more.
        payload: Figures for automations.
    """
    name = _name(release, what)
    if what not in _LOGGED_BY_PREFECT:
        level = logging.WARNING if name in _WARNED_OF else logging.INFO
        opened_run_log().log(level, "%s", words)
    run = {
        "prefect.resource.id": f"prefect.flow-run.{root_run()}",
        "prefect.resource.role": "opened-run",
    }
    known = {
        "words": words,
        "revision": release.revision.commit,
        "image": str(release.image),
        "run": this_run(),
        **release.cause.model_dump(exclude_defaults=True),
    }
    emit_event(f"shipway.{name}", resource_of(target), related=[run], payload=known | payload)


def resource_of(target: Target) -> dict[str, str]:
    """An app in an environment, as the resource of an event."""
    return {
        "prefect.resource.id": f"shipway.environment.{target.environment}.{target.app}",
        "prefect.resource.name": target.folder,
        "shipway.app": target.app,
        "shipway.environment": target.environment,
    }


async def tell_blocks(target: Target, subject: str, body: str) -> None:
    """Tell the notification blocks of rollout.yaml."""
    for block in target.rollout.notify:
        await _tell(block, subject, body)


def _name(release: Release, what: What) -> str:
    return f"rollback.{what}" if release.cause.is_rollback else f"release.{what}"


async def _tell(name: str, subject: str, body: str) -> None:
    """Tell one notification block; that it cannot be told is a warning."""
    try:
        block: Any = await Block.aload(name)
        await block.anotify(body, subject)
    # Whatever a team's own block may raise.
    except Exception as error:
        opened_run_log().warning("The notification block %s was not told: %s", name, error)
