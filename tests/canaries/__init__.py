"""Marks in the texts of a test's world, and the watch that no answer, mail or file carries one astray."""
