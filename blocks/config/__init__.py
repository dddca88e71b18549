"""What stands in the repositories beside code and manifests, and how a mistake is reported."""

from blocks.config.document import Strict, read_document
from blocks.config.gates import Gate, HttpGate, JobGate, PrometheusGate
from blocks.config.holds import HOLDS_FILE, Hold, Holds, read_holds, write_holds
from blocks.config.pipeline import (
    App,
    Image,
    Layer,
    Name,
    Pipeline,
    Quarantine,
    Service,
    Tests,
    read_pipeline,
)
from blocks.config.rendering import HelmRendering, KustomizeRendering, Rendering

__all__ = [
    "HOLDS_FILE",
    "App",
    "Gate",
    "HelmRendering",
    "Hold",
    "Holds",
    "HttpGate",
    "Image",
    "JobGate",
    "KustomizeRendering",
    "Layer",
    "Name",
    "Pipeline",
    "PrometheusGate",
    "Quarantine",
    "Rendering",
    "Service",
    "Strict",
    "Tests",
    "read_document",
    "read_holds",
    "read_pipeline",
    "write_holds",
]
