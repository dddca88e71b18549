"""What stands in the repositories beside code and manifests, and how a mistake is reported."""

from blocks.config.gates import Gate, HttpGate, JobGate, PrometheusGate
from blocks.config.holds import HOLDS_FILE, Hold, Holds, read_holds, write_holds
from blocks.config.pipeline import (
    App,
    Image,
    Layer,
    Pipeline,
    Quarantine,
    Service,
    Tests,
    read_pipeline,
)
from blocks.config.rendering import HelmRendering, KustomizeRendering, Rendering
from blocks.config.rollout import (
    BlueGreenSettings,
    CanarySettings,
    ImageField,
    Promotion,
    Rollout,
    read_rollout,
)

__all__ = [
    "HOLDS_FILE",
    "App",
    "BlueGreenSettings",
    "CanarySettings",
    "Gate",
    "HelmRendering",
    "Hold",
    "Holds",
    "HttpGate",
    "Image",
    "ImageField",
    "JobGate",
    "KustomizeRendering",
    "Layer",
    "Pipeline",
    "PrometheusGate",
    "Promotion",
    "Quarantine",
    "Rendering",
    "Rollout",
    "Service",
    "Tests",
    "read_holds",
    "read_pipeline",
    "read_rollout",
    "write_holds",
]
