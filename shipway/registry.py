"""Images in a registry that speaks the OCI distribution API."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import requests
from docker import DockerClient
from docker.errors import APIError
from pydantic import BaseModel, ConfigDict

from shipway.errors import FailError, RefuseError, RetryError, ShipwayError
from shipway.image_ref import ImageRef
from shipway.registry_api import Login, Manifest, RegistryApi, endpoint_of, registry_api

# What the engine says of a push that may go through a moment later.
_PASSING = re.compile(
    r"refused|time-?out|timed out|EOF|no such host|connection reset|connection lost|broken pipe"
    r"|closed network connection|toomanyrequests|too many requests|upload unknown"
    r"|status: (?:429|5\d\d)|HTTP 5\d\d",
    re.IGNORECASE,
)
_DENIED = re.compile(r"denied|unauthorized|forbidden|no basic auth", re.IGNORECASE)


class Stored(BaseModel):
    """An image that the registry holds."""

    model_config = ConfigDict(frozen=True)

    ref: ImageRef
    labels: dict[str, str]


class Inspected(BaseModel):
    """What a registry says of an image.

    Attributes:
        layers: Digests of its layers. An index has images for several platforms: it counts as one.
        config: How it runs; of an index, how its first image does.
    """

    model_config = ConfigDict(frozen=True)

    layers: tuple[str, ...]
    config: dict[str, Any]


class Pushed(BaseModel):
    """The image in the registry, and whether this run put it there."""

    model_config = ConfigDict(frozen=True)

    image: ImageRef
    new: bool


class Registry(BaseModel):
    """An image registry and the namespace in it that releases are pushed to.

    Attributes:
        address: Host, port and namespace, without a scheme.
        insecure: Plain http, for a registry on this machine.
        login: Who asks and pushes, where the registry wants to know.
    """

    model_config = ConfigDict(frozen=True)

    address: str
    insecure: bool = False
    login: Login | None = None

    def repository(self, app: str) -> str:
        """Where the images of one app are."""
        return f"{self.address}/{app}"

    def image(self, app: str, revision: str) -> ImageRef:
        """The immutable tag of one revision of one app."""
        return ImageRef(repository=self.repository(app), tag=revision)

    def holds(self, repository: str) -> bool:
        """Whether a repository is on the same server, so that login and scheme are the same."""
        return endpoint_of(repository)[0] == endpoint_of(self.repository("any"))[0]

    async def find(self, image: ImageRef) -> Stored | None:
        """Ask the registry for a tag; None where it has none such.

        Raises:
            RetryError: The registry cannot be reached or is overloaded.
            RefuseError: It denies access.
        """
        async with registry_api(image.repository, self.login, insecure=self.insecure) as api:
            found = await api.manifest(str(image.tag))
            if found is None:
                return None
            config = await _config(api, found, image)
        labels = config.get("config", {}).get("Labels")
        return Stored(ref=image.model_copy(update={"digest": found.digest}), labels=labels or {})

    async def inspect(self, image: ImageRef) -> Inspected:
        """Ask the registry that an image is named after for it; this one's login is for this one.

        Raises:
            RetryError: The registry cannot be reached or is overloaded.
            RefuseError: It denies access, or has no such image.
        """
        own = self.holds(image.repository)
        login, insecure = self.login if own else None, self.insecure and own
        async with registry_api(image.repository, login, insecure=insecure) as api:
            found = await api.manifest(image.digest or image.tag or "latest")
            if found is None:
                raise RefuseError(
                    "The registry has no such image.",
                    where=str(image),
                    untouched="the ops repository and the cluster",
                    remedy="check its name in pipeline.yaml",
                )
            config = await _config(api, found, image)
        is_index = "manifests" in found.body
        layers = [found.digest] if is_index else config.get("rootfs", {}).get("diff_ids", [])
        return Inspected(layers=tuple(layers), config=config.get("config") or {})

    async def tag(self, image: ImageRef, tag: str) -> ImageRef:
        """Give an image that is there by digest a tag of its repository; nothing else is sent.

        Raises:
            RetryError: The registry cannot be reached or is overloaded.
            RefuseError: It denies access, or has the image no more.
        """
        async with registry_api(image.repository, self.login, insecure=self.insecure) as api:
            found = await api.manifest(str(image.digest))
            if found is None:
                raise RefuseError(
                    "The registry has lost the image that was tested.",
                    where=str(image),
                    untouched="the ops repository and the cluster",
                    remedy="let the registry keep manifests without a tag for a day, then release "
                    "again",
                )
            await api.put_manifest(tag, found.content, found.media_type)
        return image.model_copy(update={"tag": tag})

    async def push(self, client: DockerClient, image_id: str, image: ImageRef) -> ImageRef:
        """Push a local image under a tag; return the reference with the digest it got.

        Raises:
            RetryError: The registry cannot be reached.
            RefuseError: It denies access.
            FailError: It does not take the image.
        """
        return await asyncio.to_thread(self._push, client, image_id, image)

    async def push_index(
        self, client: DockerClient, image_ids: Mapping[str, str], image: ImageRef
    ) -> ImageRef:
        """Push local images of one version for several platforms, and an index under a tag.

        Args:
            client: The engine that has them.
            image_ids: Local image id by platform, such as `linux/arm64`.
            image: The reference.

        Returns:
            The reference with the index's digest.

        Raises:
            RetryError: The registry cannot be reached.
            RefuseError: It denies access.
            FailError: It does not take an image.
        """

        async def give(image_id: str, tag: str) -> None:
            await self.push(client, image_id, image.model_copy(update={"tag": tag}))

        return await self._index(image_ids, image, give)

    async def tag_index(self, images: Mapping[str, str], image: ImageRef) -> ImageRef:
        """Give an index of images that are there a tag.

        Args:
            images: Image by digest, by platform.
            image: The reference.

        Returns:
            The reference with the index's digest.

        Raises:
            RetryError: The registry cannot be reached or is overloaded.
            RefuseError: It denies access, or has an image no more.
        """

        async def give(held: str, tag: str) -> None:
            await self.tag(ImageRef.parse(held), tag)

        return await self._index(images, image, give)

    async def _index(
        self,
        images: Mapping[str, str],
        image: ImageRef,
        give: Callable[[str, str], Awaitable[None]],
    ) -> ImageRef:
        """Put an index of images by platform under a tag.

        `give` puts each under a tag of its own, so that no registry collects it as garbage.
        """
        async with registry_api(image.repository, self.login, insecure=self.insecure) as api:
            entries: list[dict[str, Any]] = []
            for platform, name in images.items():
                tag = f"{image.tag}-{platform.replace('/', '-')}"
                await give(name, tag)
                entries += _entries(await api.manifest(tag), platform)
            digest = await api.put_index(str(image.tag), entries)
        return image.model_copy(update={"digest": digest})

    def _push(self, client: DockerClient, image_id: str, image: ImageRef) -> ImageRef:
        digest: str | None = None
        try:
            client.images.get(image_id).tag(image.repository, image.tag)
            for line in client.api.push(
                image.repository,
                tag=image.tag,
                stream=True,
                decode=True,
                auth_config=self._auth(),
            ):
                if problem := line.get("error"):
                    raise push_error(str(problem), str(image))
                digest = (line.get("aux") or {}).get("Digest", digest)
        except APIError as error:
            raise push_error(str(error.explanation or error), str(image)) from error
        except requests.RequestException as error:
            raise push_error(f"connection lost: {error}", str(image)) from error
        if digest is None:
            raise FailError("The registry did not say which digest it stored.", where=str(image))
        return image.model_copy(update={"digest": digest})

    def _auth(self) -> dict[str, str]:
        if self.login is None:
            # An empty config keeps docker-py from reading the user's own ~/.docker/config.json.
            return {}
        return {
            "username": self.login.username,
            "password": self.login.password.get_secret_value(),
        }


def push_error(words: str, image: str) -> ShipwayError:
    """What becomes of a push that failed, by the engine's words."""
    untouched = "the ops repository and the cluster"
    if _DENIED.search(words):
        return RefuseError(
            "The registry denies the push.",
            where=image,
            got=words,
            untouched=untouched,
            remedy="check the credentials of the Registry block in the Prefect UI",
        )
    if _PASSING.search(words):
        return RetryError(
            "The registry cannot be reached.", where=image, got=words, untouched=untouched
        )
    return FailError(
        "The registry does not take the image.", where=image, got=words, untouched=untouched
    )


def _entries(manifest: Manifest | None, platform: str) -> list[dict[str, Any]]:
    """What an index says of an image for a platform; of one that is an index, what that says."""
    if manifest is None:
        raise RetryError("The registry lost the image that was pushed.", where=platform)
    if "manifests" in manifest.body:
        return manifest.body["manifests"]
    names = ("os", "architecture", "variant")
    return [
        {
            "mediaType": manifest.media_type,
            "digest": manifest.digest,
            "size": len(manifest.content),
            "platform": dict(zip(names, platform.split("/"), strict=False)),
        }
    ]


async def _config(api: RegistryApi, manifest: Manifest, image: ImageRef) -> dict[str, Any]:
    """The configuration of an image; of an index, that of its first image."""
    body = manifest.body
    if "manifests" in body:
        child = await api.manifest(_image_in(body, image))
        body = child.body if child else {}
    config = await api.blob(body["config"]["digest"]) if "config" in body else None
    return config or {}


def _image_in(index: dict[str, Any], image: ImageRef) -> str:
    """The digest of the first image in an index; what attests one is of no platform."""
    for entry in index["manifests"]:
        if entry.get("platform", {}).get("os") != "unknown":
            return str(entry["digest"])
    raise RefuseError(
        "The tag holds no image.",
        where=str(image),
        expected="an index with an image of some platform",
        got=f"{len(index['manifests'])} manifests, none of them an image",
        remedy="remove the tag, and start the release again",
    )
