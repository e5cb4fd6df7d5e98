"""Every read that a client's page or message makes; each returns frozen dataclasses."""
