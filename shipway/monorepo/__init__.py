"""The services of one repository, released in one go: which, in which order, and to what end."""
