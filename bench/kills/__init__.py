"""`kill -9` of a release's run, worker and warm parent, and its cancel, in each stage."""
