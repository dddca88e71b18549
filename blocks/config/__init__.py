"""What teams write, `pipeline.yaml` and `rollout.yaml`, and how a mistake in it is reported."""

from blocks.config.pipeline import App, Image, Layer, Pipeline, Service, Tests, read_pipeline
from blocks.config.rollout import ImageField, Rollout, read_rollout

__all__ = [
    "App",
    "Image",
    "ImageField",
    "Layer",
    "Pipeline",
    "Rollout",
    "Service",
    "Tests",
    "read_pipeline",
    "read_rollout",
]
