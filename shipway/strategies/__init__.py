"""Pure plans: from what Git says now to what it shall say, as steps. No I/O, no Prefect."""

from shipway.strategies.app_folder import AppFolder
from shipway.strategies.blue_green import BlueGreen, BlueGreenSettings
from shipway.strategies.canary import Canary, CanarySettings, Stage
from shipway.strategies.rolling import Rolling, RollingSettings
from shipway.strategies.router import Backends, Replicas, Weights
from shipway.strategies.step import (
    Edit,
    FieldRef,
    FieldValues,
    Ready,
    Step,
    Value,
    When,
    first_with_edits,
    is_released,
)
from shipway.strategies.strategy import Settings, Strategy
from shipway.strategies.variant import Variant

__all__ = [
    "AppFolder",
    "Backends",
    "BlueGreen",
    "BlueGreenSettings",
    "Canary",
    "CanarySettings",
    "Edit",
    "FieldRef",
    "FieldValues",
    "Ready",
    "Replicas",
    "Rolling",
    "RollingSettings",
    "Settings",
    "Stage",
    "Step",
    "Strategy",
    "Value",
    "Variant",
    "Weights",
    "When",
    "first_with_edits",
    "is_released",
]
