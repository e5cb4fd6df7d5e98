"""What happened, to whom, and who was told."""
