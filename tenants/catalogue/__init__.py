"""The live catalogue of the database, read and held against what is declared, one subject a module."""
