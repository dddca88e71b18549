"""What is old is looked for and removed: one kind of thing a file, each a task."""
