"""What starts, tests and serves the portal on one machine."""
