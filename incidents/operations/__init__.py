"""Every write about incidents: one function per thing a person can do."""
