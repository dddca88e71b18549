"""Where test commands run: one file a runner."""
