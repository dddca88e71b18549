"""`render` in rollout.yaml: the tool that makes manifests of what stands in the folder."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from shipway.documents.document import Strict
from shipway.parameters import Name


def _check_folder_path(path: str) -> str:
    """A path, if it leads from the root of the ops repository to a folder in it."""
    if any(part in {"", ".", ".."} or not part.isprintable() for part in path.split("/")):
        raise ValueError("a folder's path from the root of the ops repository")
    return path


FolderPath = Annotated[str, AfterValidator(_check_folder_path)]
ValuesFile = Annotated[str, StringConstraints(pattern=r"^[^/\x00-\x1f]+\.ya?ml$")]

_INCLUDE = "Further folders of the ops repository that are read, such as the base of an overlay."


class KustomizeRendering(Strict):
    """The folder's kustomization.yaml."""

    include: list[FolderPath] = Field(default_factory=list[str], description=_INCLUDE)


class HelmRendering(Strict):
    """A chart, with the folder's values."""

    chart: str = Field(
        min_length=1,
        description="A folder of the ops repository, an oci:// address, or a name in `repository`.",
    )
    repository: str | None = Field(
        default=None, pattern=r"^https?://", description="Address of a chart repository."
    )
    version: str | None = Field(default=None, description="The chart's version, if not a folder.")
    release: Name | None = Field(default=None, description="Release name; the app's if not given.")
    values: list[ValuesFile] = Field(
        default_factory=list[str],
        description="Values files beside rollout.yaml, the last one wins.",
    )
    include: list[FolderPath] = Field(default_factory=list[str], description=_INCLUDE)

    @property
    def is_folder(self) -> bool:
        """Whether the chart stands in the ops repository."""
        return self.repository is None and not self.chart.startswith("oci://")

    @model_validator(mode="after")
    def _is_pinned(self) -> Self:
        if self.is_folder:
            _check_folder_path(self.chart)
        if self.is_folder == (self.version is not None):
            raise ValueError("a version for a chart from elsewhere, and none for a folder")
        return self


class Rendering(Strict):
    """Exactly one of the tools."""

    kustomize: KustomizeRendering | None = Field(default=None, description="Kustomize.")
    helm: HelmRendering | None = Field(default=None, description="Helm.")

    @model_validator(mode="after")
    def _has_one_tool(self) -> Self:
        if (self.kustomize is None) == (self.helm is None):
            raise ValueError("exactly one of kustomize and helm")
        return self

    @property
    def folders(self) -> list[str]:
        """What is read beside the app's own folder."""
        if self.helm is None:
            return self.kustomize.include if self.kustomize else []
        return [*([self.helm.chart] if self.helm.is_folder else []), *self.helm.include]
