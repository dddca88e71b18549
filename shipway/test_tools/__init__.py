"""Test tools: what they are asked to run, and what they tell of it."""
