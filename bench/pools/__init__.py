"""A release on the work pools of one installation, beside each other."""
