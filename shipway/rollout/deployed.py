"""What an app runs in an environment, by what its folder of the ops repository says now."""

from __future__ import annotations

import re
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shipway.config.holds import holds_in
from shipway.config.rollout import Promotion
from shipway.git.ops_folder import OpsFolder
from shipway.git.record import record_in
from shipway.rollout.frozen import Frozen, frozen_now
from shipway.rollout.releases import DONE, UNKNOWN, date_in, explanation
from shipway.rollout.target import Target, target_of
from shipway.strategies.step import is_released

_NUMBERED = re.compile(r"(\d+)/(\d+) ")


class Deployed(BaseModel):
    """What one folder of the ops repository asks the cluster for.

    Attributes:
        app: The app.
        environment: The environment.
        image: The image that takes the traffic.
        revision: What was released there last; `unknown` where the record does not explain what
            the files say: somebody edited them by hand.
        subject: First line of the revision's message.
        revision_at: When the revision was committed, where the record says so.
        step: The last step that was committed, such as `2/7 canary 10%`; or what was done after.
        since: When it was committed, where the record says so.
        by: Who wanted it, where somebody said so; else who wrote the revision.
        run: The run that committed it, as a link where there is one.
        held: Revisions that are on hold there.
        frozen: The freeze that is going on there, if one is.
        promotion: Where `promote` takes a version from; None where it takes none.
    """

    model_config = ConfigDict(frozen=True)

    app: str
    environment: str
    image: str
    revision: str
    subject: str
    revision_at: datetime | None = None
    step: str
    since: datetime | None
    by: str
    run: str
    held: tuple[str, ...]
    frozen: Frozen | None = None
    promotion: Promotion | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether steps are left of the rollout."""
        step = _NUMBERED.match(self.step)
        return step is not None and step[1] != step[2]

    @property
    def is_untouched(self) -> bool:
        """Whether a placeholder stands there, because nothing was released yet."""
        return not is_released(self.image)

    @property
    def is_whole_release(self) -> bool:
        """Whether all steps of a release are committed."""
        return bool(self.step) and not self.is_under_way

    @property
    def is_done(self) -> bool:
        """Whether Git says that a run has seen the release through, with its gates and jobs."""
        return self.step == DONE

    @property
    def state(self) -> str:
        """How far its release has come, in a word or two."""
        if self.is_under_way:
            return self.step
        if self.step:
            return "released"
        return "not released yet" if self.is_untouched else "by hand"


def deployed_in(folder: OpsFolder) -> Deployed:
    """What a folder says.

    Raises:
        RefuseError: Its rollout.yaml, holds, freezes or manifests cannot be read.
    """
    return deployed_of(target_of(folder), folder)


def deployed_of(target: Target, folder: OpsFolder) -> Deployed:
    """What a folder says, of which the target is known.

    Raises:
        RefuseError: Its holds or freezes cannot be read.
    """
    said = explanation([record_in(folder.files)], target.images)
    return Deployed(
        app=target.app,
        environment=target.environment,
        image=target.strategy.serving_image(target.current),
        revision=said.get("Revision", UNKNOWN),
        subject=said.get("Revision-Subject", ""),
        revision_at=date_in(said, "Revision-Date"),
        step=said.get("Step", ""),
        since=date_in(said, "At"),
        by=said.get("By") or said.get("Revision-Author", ""),
        run=said.get("Run", ""),
        held=tuple(hold.revision for hold in holds_in(folder.files, folder.path).holds),
        frozen=frozen_now(folder),
        promotion=target.rollout.promotion,
    )
