"""Kubernetes: objects read from manifests, applied, compared and watched."""
