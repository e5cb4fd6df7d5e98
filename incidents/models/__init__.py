"""Tables of the incidents, by noun."""

from incidents.models.catalogue import AffectedComponent, Component, DataCenter, Placement, Service
from incidents.models.client_report import ClientReport
from incidents.models.composer import UpdateTemplate, WaitingUpdate
from incidents.models.document import Document
from incidents.models.incident import Claim, Incident, Update
from incidents.models.postmortem import (
    AnswerTemplate,
    PostMortemRequest,
    RequestDesk,
    RequestQuestion,
    RequestRecipient,
)
from incidents.models.recovery import AffectedPlacement, Cohort, Recovery, RecoveryEntry, RosterEntry
from incidents.models.recovery_import import ImportPortion, ImportRow, RecoveryImport
from incidents.models.recovery_note import RecoveryNote
from incidents.models.report import (
    ActionChange,
    ActionFollow,
    CorrectiveAction,
    PostMortem,
    PostMortemAnnex,
    PostMortemVersion,
    ReportReading,
)
from incidents.models.statement import Statement
from incidents.models.update import UpdateReader, UpdateWording

__all__ = [
    "ActionChange",
    "ActionFollow",
    "AffectedComponent",
    "AffectedPlacement",
    "AnswerTemplate",
    "Claim",
    "ClientReport",
    "Cohort",
    "Component",
    "CorrectiveAction",
    "DataCenter",
    "Document",
    "ImportPortion",
    "ImportRow",
    "Incident",
    "Placement",
    "PostMortem",
    "PostMortemAnnex",
    "PostMortemRequest",
    "PostMortemVersion",
    "Recovery",
    "RecoveryEntry",
    "RecoveryImport",
    "RecoveryNote",
    "ReportReading",
    "RequestDesk",
    "RequestQuestion",
    "RequestRecipient",
    "RosterEntry",
    "Service",
    "Statement",
    "Update",
    "UpdateReader",
    "UpdateTemplate",
    "UpdateWording",
    "WaitingUpdate",
]
