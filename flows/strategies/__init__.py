"""Pure plans: from what Git says now to what it shall say, as steps. No I/O, no Prefect."""

from flows.strategies.blue_green import BlueGreen, Side
from flows.strategies.rolling import Rolling
from flows.strategies.step import (
    Edit,
    Live,
    Place,
    Ready,
    Step,
    Value,
    first_with_edits,
    is_released,
)

Strategy = Rolling | BlueGreen

__all__ = [
    "BlueGreen",
    "Edit",
    "Live",
    "Place",
    "Ready",
    "Rolling",
    "Side",
    "Step",
    "Strategy",
    "Value",
    "first_with_edits",
    "is_released",
]
