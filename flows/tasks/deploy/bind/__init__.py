"""A strategy, bound to the files of one app in one environment."""

from __future__ import annotations

from flows.strategies import Rolling, Strategy
from flows.tasks.deploy.bind.blue_green import bind_blue_green
from flows.tasks.deploy.bind.canary import bind_canary
from flows.tasks.deploy.bind.folder import Folder

__all__ = ["Folder", "strategy_of"]


def strategy_of(folder: Folder) -> Strategy:
    """What rollout.yaml asks for, with the places that it sets.

    Raises:
        Refuse: The folder lacks an object that the strategy needs.
    """
    rollout = folder.rollout
    if rollout.blue_green is not None:
        return bind_blue_green(rollout.blue_green, folder)
    if rollout.canary is not None:
        return bind_canary(rollout.canary, folder)
    if rollout.rolling is None:
        return Rolling(images=folder.images)
    settings = rollout.rolling
    return Rolling(images=folder.images, hold=settings.hold, approval=settings.approval)
