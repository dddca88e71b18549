"""What people read: Markdown pages and pictures."""
