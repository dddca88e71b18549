"""Pure plans: from what Git says now to what it shall say, as steps. No I/O, no Prefect."""

from flows.strategies.blue_green import BlueGreen, BlueGreenSettings
from flows.strategies.canary import Canary, CanarySettings, Stage
from flows.strategies.folder import Folder
from flows.strategies.rolling import Rolling, RollingSettings
from flows.strategies.router import Backends, Replicas, Weights
from flows.strategies.side import Side
from flows.strategies.step import (
    Edit,
    Live,
    Place,
    Ready,
    Step,
    Value,
    When,
    first_with_edits,
    is_released,
)
from flows.strategies.strategy import Settings, Strategy

__all__ = [
    "Backends",
    "BlueGreen",
    "BlueGreenSettings",
    "Canary",
    "CanarySettings",
    "Edit",
    "Folder",
    "Live",
    "Place",
    "Ready",
    "Replicas",
    "Rolling",
    "RollingSettings",
    "Settings",
    "Side",
    "Stage",
    "Step",
    "Strategy",
    "Value",
    "Weights",
    "When",
    "first_with_edits",
    "is_released",
]
