"""How many pods a variant gets that comes up beside the one that serves."""

from __future__ import annotations

from shipway.strategies.step import FieldValues
from shipway.strategies.variant import Variant


def with_enough_pods(
    current: FieldValues, values: FieldValues, serving: Variant, coming: Variant
) -> FieldValues:
    """A step's values, with a number of pods that the autoscalers allow and that stays as it is.

    What was brought up keeps the number that Git has: its autoscaler has taken over, or the load
    was another one when the step was committed. So a step that Git has already makes no commit.

    Args:
        current: What Git says before the step.
        values: What it shall say, with as many pods as the load of the one that serves needs.
        serving: The variant that serves.
        coming: The variant that comes up; where it is to have no pods, nothing changes.
    """
    pods, in_git = int(values.get(coming.replicas, 0)), int(current[coming.replicas])
    if pods == 0:
        return values
    others = {field: value for field, value in values.items() if field != coming.replicas}
    is_said = all(current[field] == value for field, value in others.items())
    is_same = all(current[field] == values.get(field, current[field]) for field in coming.images)
    has_taken_over = is_same and coming.autoscaler is not None
    is_committed = is_said and serving.autoscaler is not None
    if in_git > 0 and (has_taken_over or is_committed):
        return {**others, coming.replicas: in_git}
    if coming.autoscaler is not None:
        pods = coming.autoscaler.bounded(pods)
    return {**others, coming.replicas: pods}
