"""A receiver of forges' webhooks. It believes them nothing but that now is the time to look."""
