"""Who reads an update that is not for everyone, and what each reads of a text with blocks."""

from typing import ClassVar

from django.db import models

from incidents.blocks import ReaderState, reader_state
from incidents.choices import CompanyState
from incidents.models.base import ChoiceField, Published, PublishedManager, one_of
from incidents.models.incident import Incident, Update
from tenants import rls, scope
from tenants.models.base import CompanyOwned


class UpdateReader(CompanyOwned):
    """A company that may read an update of a narrow audience; fixed when the update is posted."""

    access = rls.company_owned(staff="select insert")

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="+", db_index=False)
    update = models.ForeignKey(Update, on_delete=models.PROTECT, related_name="readers")

    class Meta(CompanyOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["company", "update"], name="update_reader_once")]

    def __str__(self) -> str:
        return f"{self.company_id} reads {self.update_id}"


STATES_OF = {
    reader: tuple(state for state in CompanyState if reader_state(state) is reader) for reader in ReaderState
}


class WordingManager(PublishedManager["UpdateWording"]):
    """Narrows to the wording of the company's own state, of updates that it may read."""

    def narrow(
        self, queryset: models.QuerySet["UpdateWording"], in_force: scope.Scope
    ) -> models.QuerySet["UpdateWording"]:
        own = {"incident__recoveries__company_id": in_force.company_id}
        is_of_state = models.Q()
        for reader, states in STATES_OF.items():
            is_of_state |= models.Q(reader_state=reader, incident__recoveries__state__in=states, **own)
        return queryset.filter(is_of_state, update_id__in=Update.objects.values("pk"))


OF_OWN_STATE = (
    "update_id = any (array(select readable.id from incidents_update readable)) and ("
    "(reader_state = 'restored' and incident_id = any (array("
    "select own.incident_id from incidents_recovery own where own.state = 'restored'))) or "
    "(reader_state = 'unknown' and incident_id = any (array("
    "select own.incident_id from incidents_recovery own where own.state = 'unknown'))) or "
    "(reader_state = 'affected' and incident_id = any (array("
    "select own.incident_id from incidents_recovery own "
    "where own.state <> 'restored' and own.state <> 'unknown'))))"
)
"""Row condition: of an update that the company may read, and for the state in which it is now."""


class UpdateWording(Published):
    """A text with blocks as companies of one state read it, chosen when they read."""

    access = rls.published(OF_OWN_STATE, staff="select insert")

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="+", db_index=False)
    update = models.ForeignKey(Update, on_delete=models.PROTECT, related_name="wordings", db_index=False)
    reader_state = ChoiceField(ReaderState)
    body_html = models.TextField()

    objects: ClassVar[WordingManager] = WordingManager()

    class Meta(Published.Meta):
        constraints = [
            models.UniqueConstraint(fields=["update", "reader_state"], name="update_wording_once"),
            one_of("reader_state", ReaderState, "update_wording_reader_state"),
        ]

    def __str__(self) -> str:
        return f"{self.update_id} for {self.reader_state}"
