"""The files that teams write: pipeline.yaml, rollout.yaml, holds.yaml and freeze.yaml."""
