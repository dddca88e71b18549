"""The test pyramid: shards, failing fast, flakes, kill -9, real suites and odd results."""
