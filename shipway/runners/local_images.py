"""What is known of the images on a Docker engine."""

from __future__ import annotations

import hashlib
import json

from docker import DockerClient
from docker.errors import APIError, ImageNotFound
from docker.models.images import Image

from shipway.errors import RefuseError

# What of an image's configuration changes what runs in it; labels and dates do not.
CONTENT_KEYS = ("Env", "Cmd", "Entrypoint", "User", "WorkingDir", "Healthcheck")


def content_hash(client: DockerClient, image: str) -> str:
    """A hash of what is in a local image: its layers and how it runs, without labels and dates.

    Two builds of the same files differ in their id alone, since labels name the revision.

    Raises:
        RefuseError: The image is not there and cannot be pulled.
    """
    attributes = pull_if_missing(client, image).attrs
    config = attributes["Config"]
    facts = [attributes["RootFS"]["Layers"], {name: config.get(name) for name in CONTENT_KEYS}]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def image_env(client: DockerClient, image: str) -> dict[str, str]:
    """The environment that a local image brings."""
    entries: list[str] = client.images.get(image).attrs["Config"].get("Env") or []
    return dict(entry.split("=", 1) for entry in entries)


def pull_if_missing(client: DockerClient, image: str) -> Image:
    """A local image, pulled if it is not there.

    Raises:
        RefuseError: It cannot be pulled.
    """
    try:
        return client.images.get(image)
    except ImageNotFound:
        try:
            return client.images.pull(image)
        except APIError as error:
            raise RefuseError(
                "The image of a service cannot be pulled.",
                where=image,
                got=str(error.explanation or error),
                remedy="check its name in pipeline.yaml, and that the engine may pull it",
            ) from error
