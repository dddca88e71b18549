"""Pure plans: from what Git says now to what it shall say, as steps. No I/O, no Prefect."""

from flows.strategies.rolling import Rolling
from flows.strategies.step import SetImage, Step

STRATEGIES = {"rolling": Rolling()}

__all__ = ["STRATEGIES", "Rolling", "SetImage", "Step"]
