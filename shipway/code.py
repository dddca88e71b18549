"""One revision of an app, checked out."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from shipway.config.pipeline import Layer, Pipeline
from shipway.git.revision import Revision


class Code(BaseModel):
    """One revision of an app, checked out."""

    model_config = ConfigDict(frozen=True)

    app: str
    revision: Revision
    pipeline: Pipeline
    folder: Path

    def layer(self, name: str) -> Layer:
        """The settings of a layer of its pyramid."""
        return self.pipeline.tests.layers[name]
