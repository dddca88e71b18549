"""Deploy, what is wanted: one app in one environment, as the ops repository has it."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel, ConfigDict

from blocks.config import Rollout, read_rollout
from blocks.errors import Refuse
from blocks.kube.objects import KubeObject, images_of, read_objects
from blocks.manifests import image_at
from blocks.ops_repository import OpsRepository, Wanted
from flows.strategies import SetImage
from flows.tasks.outside import outside


class Target(BaseModel):
    """Where a release goes: the rollout.yaml and the image fields, at one commit."""

    model_config = ConfigDict(frozen=True)

    app: str
    environment: str
    commit: str
    folder: str
    rollout: Rollout
    images: tuple[SetImage, ...]
    workloads: tuple[KubeObject, ...]

    @property
    def containers(self) -> set[str]:
        """The containers that the release sets by name."""
        return {image.name for image in self.images if image.kind == "container"}

    @property
    def cluster(self) -> str:
        """Name of the Cluster block."""
        return self.rollout.cluster or self.environment


@outside("read {environment}/{app}")
async def read_target(app: str, environment: str) -> Target:
    """Read and check an app's folder of the ops repository at the tip of its branch."""
    ops = await OpsRepository.aload("default")
    return target_of(await asyncio.to_thread(ops.fetch, environment, app), app, environment)


def target_of(wanted: Wanted, app: str, environment: str) -> Target:
    """The target that a folder of the ops repository describes.

    Raises:
        Refuse: rollout.yaml is missing or wrong, or names a file or container that is not there.
    """
    folder = wanted.folder
    text = wanted.files.get("rollout.yaml")
    if text is None:
        raise Refuse(
            f"{environment!r} does not know {app!r}.",
            where=f"ops repository at {wanted.commit[:7]}",
            expected=f"{folder}/rollout.yaml beside the app's manifests",
            got=", ".join(sorted(wanted.files)) or "no such folder",
            untouched="everything: nothing was built, pushed or committed",
            remedy="add the folder; the README shows the shortest",
        )
    rollout = read_rollout(text.decode("utf-8", "replace"), f"{folder}/rollout.yaml")
    images: list[SetImage] = []
    for field in rollout.images:
        path = f"{folder}/{field.file}"
        content = wanted.files.get(field.file)
        if content is None:
            raise Refuse(
                "rollout.yaml names a file that is not there.",
                where=f"{folder}/rollout.yaml",
                expected=f"a file {field.file!r} beside it",
                got=", ".join(sorted(wanted.files)),
                untouched="everything: nothing was built, pushed or committed",
            )
        kind, name = field.place
        image = image_at(content, kind, name, path)
        images.append(SetImage(file=field.file, kind=kind, name=name, image=image))
    return Target(
        app=app,
        environment=environment,
        commit=wanted.commit,
        folder=folder,
        rollout=rollout,
        images=tuple(images),
        workloads=tuple(_workloads(wanted, images)),
    )


def _workloads(wanted: Wanted, images: list[SetImage]) -> list[KubeObject]:
    """The workloads whose pods run the images that the release sets, where manifests tell."""
    plain = [image for image in images if image.kind == "container"]
    files = {image.file for image in plain}
    names = {image.name for image in plain}
    objects = read_objects(
        {name: content for name, content in wanted.files.items() if name in files}, wanted.folder
    )
    return [one for one in objects if names & images_of(one).keys()]
