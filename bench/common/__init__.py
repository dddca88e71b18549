"""What the benchmarks share: apps to release, commands, sections, and the page of results."""
