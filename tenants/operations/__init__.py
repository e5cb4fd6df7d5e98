"""Every write about people and companies: one function per thing a person can do."""
