"""Back to an earlier release: where a rollback leads, its commit, and the end of its hold."""
