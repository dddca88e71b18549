"""Rollouts on the real cluster, under constant load from a real HTTP client."""
