"""Pure plans: from what Git says now to what it shall say, as steps. No I/O, no Prefect."""

from flows.strategies.blue_green import BlueGreen
from flows.strategies.canary import Canary, Stage
from flows.strategies.rolling import Rolling
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

Strategy = Rolling | BlueGreen | Canary

__all__ = [
    "Backends",
    "BlueGreen",
    "Canary",
    "Edit",
    "Live",
    "Place",
    "Ready",
    "Replicas",
    "Rolling",
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
