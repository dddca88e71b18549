"""A checked-out revision of an app: its pipeline.yaml is there, and is the app's own."""

from __future__ import annotations

from pathlib import Path

from shipway.code import Code
from shipway.config.pipeline import Pipeline, read_pipeline
from shipway.errors import RefuseError
from shipway.git.revision import Revision

_UNTOUCHED = "everything: nothing was built, pushed or committed"


def read_code(app: str, revision: Revision, root: Path, origin: str) -> Code:
    """Read the pipeline.yaml of a revision.

    Args:
        app: Whose it is to be.
        revision: What is checked out.
        root: The app's folder of it.
        origin: Where it is from, for errors.

    Raises:
        RefuseError: There is no pipeline.yaml, or it is wrong or another app's.
    """
    file = root / "pipeline.yaml"
    name = f"pipeline.yaml@{revision.short}"
    # A link could lead to a file of the worker's, whose text an error would show.
    if not file.is_file() or file.is_symlink():
        raise RefuseError(
            "There is no pipeline.yaml.",
            where=origin,
            expected="a pipeline.yaml beside the app's code",
            untouched=_UNTOUCHED,
            remedy="run `shipway init` in the app's folder, and commit what it writes",
        )
    pipeline = read_pipeline(file.read_text("utf-8"), name)
    if pipeline.app != app:
        raise RefuseError(
            "The pipeline.yaml is another app's.",
            where=name,
            expected=f"app: {app}",
            got=f"app: {pipeline.app}",
            untouched=_UNTOUCHED,
            remedy="correct it there, or the folder of the app's Source Repository block",
        )
    _check_reads(pipeline, root, name)
    return Code(app=app, revision=revision, pipeline=pipeline, folder=root)


def _check_reads(pipeline: Pipeline, root: Path, name: str) -> None:
    """Refuse a misspelt path: it would never change, and the layer never run again."""
    for layer, settings in pipeline.tests.layers.items():
        for path in settings.reads:
            if not (root / path).exists():
                raise RefuseError(
                    "A layer reads what is not there.",
                    where=f"{name}: tests.layers.{layer}.reads",
                    expected="files and folders of the app",
                    got=path,
                    untouched=_UNTOUCHED,
                )
