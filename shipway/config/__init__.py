"""The files that teams write: pipeline.yaml, rollout.yaml and holds.yaml."""
