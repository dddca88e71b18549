"""A revision of an app that is checked out nowhere."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from shipway.code import Code
from shipway.config.pipeline import Pipeline
from shipway.git.revision import Revision

AT = datetime(2026, 11, 24, tzinfo=UTC)


def code_of(pipeline: Pipeline) -> Code:
    """A revision with this pipeline."""
    revision = Revision(commit="c", tree="t", author="Ada", subject="change", at=AT)
    return Code(app=pipeline.app, revision=revision, pipeline=pipeline, folder=Path("code"))
