"""Which tests one start of a test tool runs, and how many it has found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Plan(BaseModel):
    """Which tests one start of a test tool runs.

    A unit is what the tool is asked for to run a test again: `Tool.unit_of`.

    Attributes:
        only: Units to run alone; otherwise the shard's part of all.
        done: Units that are left out, because they are green already.
        seconds: What each unit took before. This and `done` have the names that the ledger keeps.
        split: What is kept together.
        shard: Which part, from 0.
        shards: How many parts.
        seconds_left: When the layer's time is up; None where nothing says.
    """

    model_config = ConfigDict(frozen=True)

    only: tuple[str, ...] | None = None
    done: tuple[str, ...] = ()
    seconds: Mapping[str, float] = {}
    split: Literal["test", "file"] = "test"
    shard: int = 0
    shards: int = 1
    seconds_left: float | None = None


class Collected(BaseModel):
    """The tool has found its tests: how many it will run, and a hash of all that there are."""

    model_config = ConfigDict(frozen=True)

    count: int
    suite: str
