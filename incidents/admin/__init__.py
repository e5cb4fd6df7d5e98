"""The staff's screens; whatever has consequences calls an operation."""

from incidents.admin import catalogue, companies, incidents, postmortems, recoveries, words

__all__ = ["catalogue", "companies", "incidents", "postmortems", "recoveries", "words"]
