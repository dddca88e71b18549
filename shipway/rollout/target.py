"""Deploy, what is wanted: one app in one environment, as the ops repository has it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from shipway.config.rollout import Rollout, read_rollout
from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.kubernetes.objects import KubeObject, images_of, read_objects
from shipway.rollout.fields import image_places, value_at
from shipway.strategies.app_folder import AppFolder
from shipway.strategies.step import Edit, FieldRef, Step, Value
from shipway.strategies.strategy import Strategy


class Target(BaseModel):
    """Where a release goes: the rollout.yaml, the strategy and what Git says, at one commit.

    Attributes:
        objects: The folder's Kubernetes objects; none where an agent renders them.
        settings: The values that the strategy may set, as Git has them.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    app: str
    environment: str
    commit: str
    folder: str
    rollout: Rollout
    strategy: Strategy
    objects: tuple[KubeObject, ...]
    settings: tuple[Edit, ...]

    @property
    def current(self) -> dict[FieldRef, Value]:
        """What Git says, by place."""
        return {one.field: one.value for one in self.settings}

    @property
    def images(self) -> list[str]:
        """The images that a release may set."""
        return [str(one.value) for one in self.settings if one.field.kind != "field"]

    @property
    def containers(self) -> set[str]:
        """The containers that the release sets by name."""
        return {one.field.name for one in self.settings if one.field.kind == "container"}

    @property
    def workloads(self) -> list[KubeObject]:
        """The workloads whose pods run the images that the release sets, where manifests tell."""
        files = {one.field.file for one in self.settings if one.field.kind == "container"}
        return [
            one
            for one in self.objects
            if one.file.rpartition("/")[2] in files and self.containers & images_of(one).keys()
        ]

    @property
    def cluster(self) -> str:
        """Name of the Cluster block."""
        return self.rollout.cluster or self.environment

    def namespace_of(self, found: KubeObject) -> str:
        """The namespace that an object lives in."""
        return found.namespace or self.rollout.namespace

    def plan(self, image: str, *, back: bool = False) -> list[Step]:
        """The steps that are left on the way to an image, or back to it."""
        way = self.strategy.rollback_plan if back else self.strategy.plan
        return way(self.current, image)


def target_of(wanted: OpsFolder, app: str, environment: str) -> Target:
    """The target that a folder of the ops repository describes.

    Raises:
        RefuseError: rollout.yaml is missing or wrong, or names a file or container that is not
            there.
    """
    folder = wanted.folder
    text = wanted.files.get("rollout.yaml")
    if text is None:
        raise RefuseError(
            f"{environment!r} does not know {app!r}.",
            where=f"ops repository at {wanted.commit[:7]}",
            expected=f"{folder}/rollout.yaml beside the app's manifests",
            got=", ".join(sorted(wanted.files)) or "no such folder",
            untouched="everything: nothing was built, pushed or committed",
            remedy="add the folder; the README shows the shortest",
        )
    rollout = read_rollout(text.decode("utf-8", "replace"), f"{folder}/rollout.yaml")
    images = image_places(rollout, wanted)
    plain = {one.file for one in images if one.kind == "container"}
    if not rollout.settings.allows_rendered:
        plain |= wanted.files.keys()
    objects = read_objects(
        {name: content for name, content in wanted.files.items() if name in plain}, folder
    )
    found = AppFolder(path=folder, section=rollout.section, images=images, objects=tuple(objects))
    strategy = rollout.settings.bind(found)
    settings = [Edit(field=one, value=value_at(wanted, one)) for one in strategy.fields]
    return Target(
        app=app,
        environment=environment,
        commit=wanted.commit,
        folder=folder,
        rollout=rollout,
        strategy=strategy,
        objects=found.objects,
        settings=tuple(settings),
    )
