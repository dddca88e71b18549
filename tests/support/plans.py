"""What Git says while a plan is followed."""

from __future__ import annotations

from shipway.strategies.step import FieldValues, Step
from shipway.strategies.strategy import Strategy


def after(current: FieldValues, step: Step) -> FieldValues:
    """What Git says once a step is committed."""
    return {**current, **{edit.field: edit.value for edit in step.edits}}


def walk(strategy: Strategy, current: FieldValues, desired: str) -> list[FieldValues]:
    """What Git says at first, and after each step of a plan."""
    states = [current]
    for step in strategy.plan(current, desired):
        states.append(after(states[-1], step))
    return states
