"""Test: layers in shards, and what is kept of them."""
