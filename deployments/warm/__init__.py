"""A worker whose runs start warm: forked from a process that has imported everything."""
