"""What an app runs in an environment, by what its folder of the ops repository says now."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shipway.config.holds import holds_in
from shipway.git.ops_folder import OpsFolder
from shipway.git.record import record_in
from shipway.rollout.releases import UNKNOWN, date_in, explanation
from shipway.rollout.target import target_of


class Deployed(BaseModel):
    """What one folder of the ops repository asks the cluster for.

    Attributes:
        app: The app.
        environment: The environment.
        image: The image that takes the traffic.
        revision: What was released there last; `unknown` where the record does not explain what
            the files say: somebody edited them by hand.
        subject: First line of the revision's message.
        step: The last step that was committed, such as `2/7 canary 10%`.
        since: When it was committed, where the record says so.
        by: Who wanted it, where somebody said so; else who wrote the revision.
        run: The run that committed it, as a link where there is one.
        held: Revisions that are on hold there.
    """

    model_config = ConfigDict(frozen=True)

    app: str
    environment: str
    image: str
    revision: str
    subject: str
    step: str
    since: datetime | None
    by: str
    run: str
    held: tuple[str, ...]

    @property
    def is_under_way(self) -> bool:
        """Whether steps are left of the rollout."""
        number, _, count = self.step.partition(" ")[0].partition("/")
        return number != count


def deployed_in(folder: OpsFolder) -> Deployed:
    """What a folder says.

    Raises:
        RefuseError: Its rollout.yaml, its holds or its manifests cannot be read.
    """
    target = target_of(folder)
    said = explanation([record_in(folder.files)], target.images)
    return Deployed(
        app=target.app,
        environment=target.environment,
        image=target.strategy.serving_image(target.current),
        revision=said.get("Revision", UNKNOWN),
        subject=said.get("Revision-Subject", ""),
        step=said.get("Step", ""),
        since=date_in(said, "At"),
        by=said.get("By") or said.get("Revision-Author", ""),
        run=said.get("Run", ""),
        held=tuple(hold.revision for hold in holds_in(folder.files, folder.path).holds),
    )
