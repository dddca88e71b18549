"""What the ops repository's history adds up to."""
