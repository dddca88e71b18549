"""What a builder of images is: one file a kind, chosen by the Image Builder block."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from shipway.build_secrets import BuildSecrets
from shipway.image_ref import ImageRef

Log = Callable[[str], None]


class Build(BaseModel):
    """One image that is to be built.

    Attributes:
        app: The app that it is of.
        context: The build context.
        dockerfile: The Dockerfile.
        target: The stage, or None for the last one.
        args: Build arguments; they win over those of the builder.
        labels: Labels of the image.
        secrets: What its steps may mount.
        platform: What it is to run on, such as `linux/arm64`; the builder's own if None.
        no_cache: Run every step again.
        by_hand: The command that shows people the same in the app's folder.
    """

    model_config = ConfigDict(frozen=True)

    app: str
    context: Path
    dockerfile: Path
    target: str | None = None
    args: Mapping[str, str] = {}
    labels: Mapping[str, str] = {}
    secrets: BuildSecrets = BuildSecrets()
    platform: str | None = None
    no_cache: bool = False
    by_hand: str = "docker build ."


class ImageBuilder(Protocol):
    """Builds images, and gives those that are green to the registry.

    A built image is named by what `build` returns, which only the same builder understands.
    """

    async def platform(self) -> str:
        """What it builds for by itself, such as `linux/amd64`.

        Raises:
            RetryError: The builder does not answer.
        """
        ...

    async def build(self, build: Build, log: Log) -> str:
        """Build an image; return its name.

        Cancelling the call ends the build.

        Args:
            build: What to build.
            log: Called with each line of the build's output.

        Raises:
            RefuseError: There is no such Dockerfile, or the builder lets nobody in.
            FailError: The build fails; the error holds its last words.
            RetryError: The builder does not answer, or goes away meanwhile.
        """
        ...

    async def publish(self, app: str, built: str) -> ImageRef:
        """Have a built image where a cluster can pull it, under no release's tag.

        Raises:
            RetryError: The registry cannot be reached.
            RefuseError: It denies access.
            FailError: It does not take the image.
        """
        ...

    async def push(self, built: str, image: ImageRef) -> ImageRef:
        """Give a built image its tag in the registry; return the reference with its digest.

        Raises:
            RetryError: The registry cannot be reached.
            RefuseError: It denies access.
            FailError: It does not take the image.
        """
        ...

    async def push_index(self, built: Mapping[str, str], image: ImageRef) -> ImageRef:
        """The same for built images of one version, by platform: the tag is that of their index.

        Raises:
            RetryError: The registry cannot be reached.
            RefuseError: It denies access.
            FailError: It does not take an image.
        """
        ...

    async def content_hashes(self, images: Sequence[str]) -> list[str]:
        """Hashes of what is in images, built here or of any registry.

        What differs between two builds of the same files counts for nothing: labels and dates.

        Raises:
            RefuseError: An image is not there and cannot be pulled.
            RetryError: The builder or the registry does not answer.
        """
        ...

    async def image_env(self, image: str) -> dict[str, str]:
        """The environment that an image brings.

        Raises:
            RefuseError: The image is not there and cannot be pulled.
            RetryError: The builder or the registry does not answer.
        """
        ...
