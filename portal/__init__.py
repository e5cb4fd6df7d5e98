"""What clients see, and how the whole is wired."""
