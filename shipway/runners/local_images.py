"""What is known of the images on a Docker engine."""

from __future__ import annotations

from docker import DockerClient
from docker.errors import APIError, ImageNotFound
from docker.models.images import Image

from shipway.errors import RefuseError
from shipway.image_config import env_of


def image_env(client: DockerClient, image: str) -> dict[str, str]:
    """The environment that an image brings.

    Raises:
        RefuseError: The image is not there and cannot be pulled.
    """
    return env_of(pull_if_missing(client, image).attrs["Config"])


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
                "An image of the tests cannot be pulled.",
                where=image,
                got=str(error.explanation or error),
                remedy="check its name in pipeline.yaml, and that the engine may pull it",
            ) from error
