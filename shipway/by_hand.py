"""Commands that do by hand what a run does: in the app's folder, on a developer's machine."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from shipway.config.pipeline import ROOT, Image, Pipeline

# Without a HEALTHCHECK, a container that runs is ready.
_HEALTH = "{{if .State.Health}}{{.State.Health.Status}}{{else}}healthy{{end}}"


def build_by_hand(image: Image, target: str | None, *options: str) -> str:
    """The command that builds a stage of an app's Dockerfile."""
    words = ["docker", "build", *options]
    # Without it, docker looks for the file in the context.
    is_elsewhere = image.dockerfile != "Dockerfile" or image.context == ROOT
    words += ["--file", image.dockerfile] if is_elsewhere else []
    words += ["--target", target] if target else []
    words += [f"--build-arg={name}={value}" for name, value in image.args.items()]
    if image.context == ROOT:
        return f'{shlex.join(words)} "$(git rev-parse --show-toplevel)"'
    return shlex.join([*words, image.context])


def run_by_hand(pipeline: Pipeline, layer_name: str, command: str) -> str:
    """The lines that run a command of a layer's tests; with what stands beside them, if any.

    Args:
        pipeline: The app's.
        layer_name: The layer.
        command: What the layer's test tool runs.
    """
    layer = pipeline.tests.layers[layer_name]
    if not layer.services and layer.app is None:
        return command
    network = f"{pipeline.app}-{layer_name}"
    image = pipeline.image
    beside = {
        name: _beside(network, name, service.env, shlex.quote(service.image), service.ready)
        for name, service in layer.services.items()
    }
    if layer.app is not None:
        built = f'"$({build_by_hand(image, image.target, "--quiet")})"'
        beside["app"] = _beside(network, "app", layer.app.env, built, layer.app.ready)
    tests = f'"$({build_by_hand(image, pipeline.tests.target or image.target, "--quiet")})"'
    run = ["docker", "run", "--rm", "--network", network, "--entrypoint", "", *_env(layer.env)]
    names = shlex.join(f"{network}-{name}" for name in beside)
    return "\n".join(
        (
            f"docker network create {network}",
            *(line for lines in beside.values() for line in lines),
            f"{shlex.join(run)} {tests} {command}",
            f"docker rm --force {names}; docker network rm {network}",
        )
    )


def _beside(
    network: str, name: str, env: Mapping[str, str], image: str, ready: Sequence[str] | None
) -> list[str]:
    """The lines that start a container beside the tests, and wait until it is ready."""
    container = f"{network}-{name}"
    run = ["docker", "run", "--detach", "--name", container, "--network", network]
    start = f"{shlex.join([*run, '--network-alias', name, *_env(env)])} {image}"
    is_ready = (
        f"docker exec {container} {shlex.join(ready)}"
        if ready is not None
        else f'[ "$(docker inspect --format {shlex.quote(_HEALTH)} {container})" = healthy ]'
    )
    return [start, f"until {is_ready}; do sleep 1; done"]


def _env(env: Mapping[str, str]) -> list[str]:
    return [f"--env={name}={value}" for name, value in env.items()]
