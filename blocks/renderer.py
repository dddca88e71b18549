"""What makes manifests of kustomizations and charts."""

from __future__ import annotations

from prefect.blocks.core import Block

from blocks import logo
from shipway import rendering


class Renderer(rendering.Renderer, Block):
    """The commands of Kustomize and Helm on the worker."""

    _block_type_name = "Renderer"
    _block_type_slug = "renderer"
    _description = "Kustomize and Helm, for what is no plain manifest; name the block default."
    _logo_url = logo("terminal")
