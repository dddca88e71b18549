"""Where a release goes: one app in one environment, as the ops repository has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from shipway.app_environment import AppEnvironment
from shipway.config.rollout import Rollout, read_rollout
from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.image_ref import ImageRef
from shipway.kubernetes.autoscaler import autoscaler_of
from shipway.kubernetes.objects import KubeObject, images_of, read_objects
from shipway.manifests.overlay import Overlay
from shipway.rollout.fields import image_fields, value_at
from shipway.rollout.overlay import image_with_object, overlay_of, parts_of
from shipway.strategies.app_folder import REPLICAS, AppFolder
from shipway.strategies.step import Edit, FieldRef, Step, Value
from shipway.strategies.strategy import Strategy


class Target(BaseModel):
    """Where a release goes: the rollout.yaml, the strategy and what Git says, at one commit.

    Attributes:
        objects: The folder's Kubernetes objects; none where an agent renders them, and what an
            overlay says of them where the strategy sets their fields.
        settings: The values that the strategy may set, as Git has them.
        overlay: What the kustomization takes from the folder, where the strategy sets its fields.
        live_pods: How many pods the cluster says that a workload has, by kind and name, as far as
            it was asked.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    app_environment: AppEnvironment
    commit: str
    rollout: Rollout
    strategy: Strategy
    objects: tuple[KubeObject, ...]
    settings: tuple[Edit, ...]
    overlay: Overlay | None = None
    live_pods: Mapping[str, int] = {}

    @property
    def app(self) -> str:
        """The app's name."""
        return self.app_environment.app

    @property
    def environment(self) -> str:
        """The environment's name."""
        return self.app_environment.environment

    @property
    def folder(self) -> str:
        """Where the app's manifests lie in the ops repository."""
        return self.app_environment.folder

    @property
    def current(self) -> dict[FieldRef, Value]:
        """What Git says, by field."""
        return {setting.field: setting.value for setting in self.settings}

    @property
    def images(self) -> list[str]:
        """The images that a release may set."""
        return [str(setting.value) for setting in self.settings if setting.field.is_image]

    @property
    def image_values(self) -> list[tuple[FieldRef, Value]]:
        """Where these images stand, and what stands there."""
        return [(field, value) for field, value in self.current.items() if field.is_image]

    @property
    def containers(self) -> set[str]:
        """The containers that the release sets by name."""
        return {field.name for field in self.current if field.kind == "container"}

    def images_in_git(self, workload: KubeObject) -> dict[str, str]:
        """What Git says of each image of a workload that the release sets, by container."""
        images = images_of(workload)
        return {
            name: str(value)
            for field, value in self.current.items()
            if field.may_be_in(workload.file_name, workload.title)
            for name, image in images.items()
            if field.sets(name, image)
        }

    @property
    def workloads(self) -> list[KubeObject]:
        """The workloads whose pods run the images that the release sets, where manifests tell."""
        return [workload for workload in self.objects if self.images_in_git(workload)]

    @property
    def autoscaled(self) -> list[KubeObject]:
        """The workloads whose number of pods a step sets, and an autoscaler of the folder too."""
        scaled = {field.title for field in self.current if field.name == REPLICAS}
        return [
            workload
            for workload in self.objects
            if workload.title in scaled
            and autoscaler_of(workload, self.objects, self.rollout.namespace) is not None
        ]

    @property
    def cluster(self) -> str:
        """Name of the Cluster block."""
        return self.rollout.cluster or self.environment

    def namespace_of(self, kube_object: KubeObject) -> str:
        """The namespace that an object lives in."""
        return kube_object.namespace or self.rollout.namespace

    def address_of(self, kube_object: KubeObject) -> str:
        """An object and its namespace, for people."""
        return f"{kube_object.title} in namespace {self.namespace_of(kube_object)}"

    def with_live_pods(self, live_pods: Mapping[str, int]) -> Target:
        """The same target, with a strategy that knows how many pods its workloads have."""
        if not live_pods:
            return self
        strategy = self.strategy_for(self.objects, live_pods)
        return self.model_copy(update={"strategy": strategy, "live_pods": live_pods})

    def strategy_for(self, objects: Sequence[KubeObject], live_pods: Mapping[str, int]) -> Strategy:
        """The strategy that the settings make of some objects in the place of the folder's.

        Raises:
            RefuseError: They lack an object that the strategy needs.
        """
        folder = AppFolder(
            path=self.folder,
            section=self.rollout.section,
            images=tuple(field for field in self.current if field.is_image),
            objects=tuple(objects),
            namespace=self.rollout.namespace,
            overlay=self.overlay,
            live_pods=live_pods,
        )
        return self.rollout.settings.bind(folder)

    def plan(self, image: ImageRef, *, rollback: bool = False) -> list[Step]:
        """The steps that are left until all of it runs an image, or runs it again."""
        plan = self.strategy.rollback_plan if rollback else self.strategy.plan
        return plan(self.current, str(image))


def target_of(folder: OpsFolder) -> Target:
    """The target that a folder of the ops repository describes.

    Raises:
        RefuseError: rollout.yaml is missing or wrong, or names a file or container that is not
            there.
    """
    app, environment = folder.app_environment.app, folder.app_environment.environment
    text = folder.files.get("rollout.yaml")
    if text is None:
        raise RefuseError(
            f"{environment!r} does not know {app!r}.",
            where=f"ops repository at {folder.commit[:7]}",
            expected=f"{folder.path}/rollout.yaml beside the app's manifests",
            got=", ".join(sorted(folder.files)) or "no such folder",
            untouched="everything: nothing was built, pushed or committed",
            remedy=_init(environment, into_nothing=not folder.files),
        )
    rollout = read_rollout(text.decode("utf-8", "replace"), f"{folder.path}/rollout.yaml")
    images, overlay = image_fields(rollout, folder), overlay_of(rollout, folder)
    if overlay is None:
        objects = _plain_objects(rollout, folder, images)
    else:
        objects = parts_of(folder, overlay)
        images = tuple(image_with_object(image, objects, folder) for image in images)
    app_folder = AppFolder(
        path=folder.path,
        section=rollout.section,
        images=images,
        objects=tuple(objects),
        namespace=rollout.namespace,
        overlay=overlay,
    )
    strategy = rollout.settings.bind(app_folder)
    settings = [Edit(field=field, value=value_at(folder, field)) for field in strategy.fields]
    return Target(
        app_environment=folder.app_environment,
        commit=folder.commit,
        rollout=rollout,
        strategy=strategy,
        objects=app_folder.objects,
        settings=tuple(settings),
        overlay=overlay,
    )


def _plain_objects(
    rollout: Rollout, folder: OpsFolder, images: Sequence[FieldRef]
) -> list[KubeObject]:
    """The objects of the folder's manifests; of those with images alone, where that is enough."""
    files = {image.file for image in images if image.kind == "container"}
    if not rollout.settings.allows_rendered:
        files |= folder.files.keys()
    plain = {name: content for name, content in folder.files.items() if name in files}
    return read_objects(plain, folder.path)


def _init(environment: str, *, into_nothing: bool) -> str:
    """What makes a rollout.yaml; beside files of somebody else, `shipway init` writes none."""
    init = f"shipway init --environment {environment}"
    if into_nothing:
        return (
            f"run `{init} --ops ../ops` in the app's folder, where ../ops is a clone of the ops "
            "repository, and commit what it writes there"
        )
    return (
        f"write one for the files that are there; `{init} --dry-run` in the app's folder prints one"
    )
