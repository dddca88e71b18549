"""How what a runner starts is marked, so that it can be found again."""

from __future__ import annotations

from shipway.process_identity import this_process

RUN_LABEL = "dev.shipway.run"
OWNER_LABEL = "dev.shipway.owner"


def labels(run: str) -> dict[str, str]:
    """What everything on an engine is labelled with: the flow run, and the process."""
    return {RUN_LABEL: run, OWNER_LABEL: this_process()}
