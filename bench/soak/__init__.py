"""What is left of hundreds of releases, with retention at work beside them."""
