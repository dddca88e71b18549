"""What is known of a layer before it runs."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from shipway.ledger.session import KnownTest
from shipway.pyramid.results import LayerResult


class LayerHistory(BaseModel):
    """What is known of a layer before it runs.

    Attributes:
        inputs: A hash of all that the layer reads.
        green: Its result, where it was green with these inputs.
        passed: Tests that passed with these inputs in a run that was killed; seconds.
        known: Its tests, by the name that the ledger keeps.
    """

    model_config = ConfigDict(frozen=True)

    inputs: str
    green: LayerResult | None
    passed: dict[str, float]
    known: dict[str, KnownTest]
