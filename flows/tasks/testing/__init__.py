"""Test: layers in shards, what their results mean, and how they are shown."""
