"""A service: an app of a repository that holds several."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from shipway.config.pipeline import FILE, read_pipeline
from shipway.errors import RefuseError


class Service(BaseModel):
    """A service, as a revision of its repository says.

    Attributes:
        app: Its name.
        folder: Its folder in the repository.
        uses: What it is made of beside that, from the repository's root.
        needs: Those that are released before it.
    """

    model_config = ConfigDict(frozen=True)

    app: str
    folder: str
    uses: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """All that it is made of."""
        return (self.folder, *self.uses)


def pipeline_of(folder: str) -> str:
    """Where the pipeline.yaml of a folder is in its repository."""
    return FILE if folder == "." else f"{folder}/{FILE}"


def read_service(app: str, folder: str, text: str, where: str) -> Service:
    """What a pipeline.yaml says of a service.

    Args:
        app: Whose it is to be.
        folder: Its folder in the repository.
        text: The pipeline.yaml.
        where: Where that is, for errors.

    Raises:
        RefuseError: It is wrong, or another app's.
    """
    pipeline = read_pipeline(text, where)
    if pipeline.app != app:
        raise RefuseError(
            "The pipeline.yaml is another app's.",
            where=where,
            expected=f"app: {app}",
            got=f"app: {pipeline.app}",
            untouched="everything: no run was started",
            remedy="correct it there, or the folder of the app's Source Repository block",
        )
    return Service(app=app, folder=folder, uses=tuple(pipeline.uses), needs=tuple(pipeline.needs))
