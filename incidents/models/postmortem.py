"""Orders for a post-mortem: a thing with a state and a due date, not a message."""

from django.db import models

from incidents.choices import RequestState
from incidents.models.base import ChoiceField, one_of
from incidents.models.incident import Incident
from tenants import rls
from tenants.models import User
from tenants.models.base import CompanyOwned
from tenants.row_history import RowHistory

_OWN_QUESTION = f"""requested_by_id = {rls.CURRENT_USER} and decline_reason = '' and (
    (state = 'requested' and answered_at is null)
    or (state = 'accepted' and incident_id = any (array(
        select visible.id from incidents_incident visible where visible.request_policy = 'automatic'
    )))
)"""  # noqa: S608 - constants of the row policies
"""What a client may ask, as an SQL condition: in its own name, and accepted only where all are."""


class PostMortemRequest(CompanyOwned):
    """One company's request for the report on one incident; its colleagues share it."""

    access = rls.company_owned(
        client="select insert", client_inserts=_OWN_QUESTION, staff="select insert update"
    )
    row_history = RowHistory()

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="requests", db_index=False)
    state = ChoiceField(RequestState, default=RequestState.REQUESTED)
    requested_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )
    requested_by_name = models.CharField(max_length=120)
    purpose = models.TextField(max_length=2_000)
    needed_by_on = models.DateField(null=True, blank=True)
    requested_at = models.DateTimeField()
    answer_due_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    preliminary_due_at = models.DateTimeField(null=True, blank=True)
    final_due_at = models.DateTimeField(null=True, blank=True)
    decline_reason = models.TextField(blank=True, max_length=2_000)

    class Meta(CompanyOwned.Meta):
        verbose_name = "post-mortem request"
        constraints = [
            models.UniqueConstraint(fields=["company", "incident"], name="post_mortem_request_once"),
            one_of("state", RequestState, "post_mortem_request_state"),
            models.CheckConstraint(
                condition=~models.Q(state="declined") | ~models.Q(decline_reason=""),
                name="post_mortem_request_decline_has_reason",
            ),
        ]
        indexes = [models.Index(fields=["state", "answer_due_at"], name="post_mortem_request_queue")]

    def __str__(self) -> str:
        return f"{self.company_id} asks for {self.incident_id}"
