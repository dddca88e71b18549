"""Shipway on Kubernetes, as docs/production.md says."""
