"""Tables of the incidents, by noun."""

from incidents.models.catalogue import AffectedComponent, Component, DataCenter, Placement, Service
from incidents.models.incident import Claim, Incident, Update
from incidents.models.postmortem import PostMortemRequest
from incidents.models.recovery import AffectedPlacement, Cohort, Recovery, RecoveryEntry, RosterEntry

__all__ = [
    "AffectedComponent",
    "AffectedPlacement",
    "Claim",
    "Cohort",
    "Component",
    "DataCenter",
    "Incident",
    "Placement",
    "PostMortemRequest",
    "Recovery",
    "RecoveryEntry",
    "RosterEntry",
    "Service",
    "Update",
]
