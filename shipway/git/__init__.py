"""Git: access without secrets in arguments, and commits made from objects alone."""
