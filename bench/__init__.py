"""Shipway beside the same work done another way: one folder a benchmark, each run with `-m`."""
