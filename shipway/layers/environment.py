"""The test environment that a layer asks for."""

from __future__ import annotations

from collections.abc import Mapping

from shipway.code import Code
from shipway.config.pipeline import Layer
from shipway.runners.environment import EnvironmentSpec, Images, Sidecar


def environment_spec(
    code: Code,
    layer_name: str,
    images: Images,
    run: str,
    number: int,
    image_env: Mapping[str, str] | None = None,
) -> EnvironmentSpec:
    """What a shard of a layer finds around it.

    Args:
        code: The revision.
        layer_name: The layer.
        images: Where the layer's runner takes them from.
        run: The flow run.
        number: Of the shard in the layer; each has an environment of its own.
        image_env: What the test image brings, where the runner cannot ask an engine.
    """
    layer = code.layer(layer_name)
    return EnvironmentSpec(
        run=run,
        name=f"{code.app}-{layer_name}-{run[:8]}-{number}",
        code=code.folder,
        image=images.tests,
        env={**(image_env or {}), **layer.env},
        sidecars=sidecars_of(layer, images.app),
        timeout_seconds=layer.timeout_seconds,
    )


def sidecars_of(layer: Layer, app_image: str | None) -> dict[str, Sidecar]:
    """The containers beside a layer's tests; the app only where its image is given."""
    sidecars = {
        name: Sidecar(image=service.image, env=service.env, ready=service.ready)
        for name, service in layer.services.items()
    }
    if layer.app is not None and app_image is not None:
        sidecars["app"] = Sidecar(image=app_image, env=layer.app.env, ready=layer.app.ready)
    return sidecars
