"""Tables of the incidents, by noun."""

from incidents.models.catalogue import AffectedComponent, Component, DataCenter, Placement, Service
from incidents.models.client_report import ClientReport
from incidents.models.incident import Claim, Incident, Update
from incidents.models.postmortem import (
    AnswerTemplate,
    PostMortemRequest,
    RequestDesk,
    RequestQuestion,
    RequestRecipient,
)
from incidents.models.recovery import AffectedPlacement, Cohort, Recovery, RecoveryEntry, RosterEntry
from incidents.models.recovery_import import ImportRow, RecoveryImport
from incidents.models.recovery_note import RecoveryNote
from incidents.models.update import UpdateReader, UpdateWording

__all__ = [
    "AffectedComponent",
    "AffectedPlacement",
    "AnswerTemplate",
    "Claim",
    "ClientReport",
    "Cohort",
    "Component",
    "DataCenter",
    "ImportRow",
    "Incident",
    "Placement",
    "PostMortemRequest",
    "Recovery",
    "RecoveryEntry",
    "RecoveryImport",
    "RecoveryNote",
    "RequestDesk",
    "RequestQuestion",
    "RequestRecipient",
    "RosterEntry",
    "Service",
    "Update",
    "UpdateReader",
    "UpdateWording",
]
