"""One revision of an app, checked out."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from shipway.config.pipeline import ROOT, Layer, Pipeline
from shipway.git.revision import Revision


class Code(BaseModel):
    """One revision of an app, checked out.

    Attributes:
        folder: The app's folder of the checkout.
        path: Where that lies in the repository; `.` for its root.
    """

    model_config = ConfigDict(frozen=True)

    app: str
    revision: Revision
    pipeline: Pipeline
    folder: Path
    path: str = "."

    @property
    def context(self) -> Path:
        """What the image is built from."""
        context = self.pipeline.image.context
        if context != ROOT:
            return self.folder / context
        return self.folder if self.path == "." else self.folder.parents[self.path.count("/")]

    def layer(self, name: str) -> Layer:
        """The settings of a layer of its pyramid."""
        return self.pipeline.tests.layers[name]
