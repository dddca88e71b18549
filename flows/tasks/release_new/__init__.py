"""New tags and branch tips: who takes them, which there are, and their releases."""
