"""Where test commands run: one file a kind of place."""
