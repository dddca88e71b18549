"""YAML as Kubernetes reads it, and documents checked against a model."""
