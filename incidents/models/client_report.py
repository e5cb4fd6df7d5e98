"""What a client company says of its own account, and what the vendor answered."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from incidents.choices import ReportKind, ReportState
from incidents.models.base import ChoiceField, one_of
from incidents.models.incident import Incident
from tenants import rls
from tenants.models import User
from tenants.models.base import CompanyOwned
from tenants.row_history import RowHistory

MOST_REPORTS = 50
"""So often may one company speak in one incident; then it is for people to talk."""
STORED_STATES = (ReportState.OPEN, ReportState.ACCEPTED, ReportState.DISPUTED)

_OWN_WORD = (
    f"said_by_id = {rls.CURRENT_USER} and state = 'open' and answer = '' "
    "and answered_at is null and answered_by_id is null"
)
"""What a client may say, as an SQL condition: in its own name, and without an answer."""


class ClientReport(CompanyOwned):
    """One word of one company on one incident; written once, answered once.

    A client only ever adds a row. What it says later has the next number and takes back what is
    still open before it, so nobody but staff can write into a row that stands.
    """

    access = rls.company_owned(client="select insert", client_inserts=_OWN_WORD, staff="select insert update")
    row_history = RowHistory()

    incident = models.ForeignKey(
        Incident, on_delete=models.PROTECT, related_name="client_reports", db_index=False
    )
    number = models.PositiveSmallIntegerField()
    """1 for the first word of this company on this incident, and so on."""
    kind = ChoiceField(ReportKind)
    component_ids = ArrayField(models.UUIDField())
    """Which of its own affected components it speaks of."""
    since_at = models.DateTimeField(null=True)
    """Since when it is so, if the company says so."""
    text = models.TextField(blank=True, max_length=1_000)
    said_at = models.DateTimeField()
    said_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    said_by_name = models.CharField(max_length=120)
    state = ChoiceField(ReportState, default=ReportState.OPEN)
    answer = models.TextField(blank=True, max_length=2_000)
    """Why it is disputed, in the words that the client reads."""
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )

    class Meta(CompanyOwned.Meta):
        verbose_name = "client report"
        constraints = [
            # Also what two people at once, or one who clicks twice, run into.
            models.UniqueConstraint(fields=["company", "incident", "number"], name="client_report_number"),
            one_of("kind", ReportKind, "client_report_kind"),
            models.CheckConstraint(
                condition=models.Q(state__in=[state.value for state in STORED_STATES]),
                name="client_report_state",
            ),
            models.CheckConstraint(
                condition=models.Q(state="open", answered_at__isnull=True)
                | (~models.Q(state="open") & models.Q(answered_at__isnull=False)),
                name="client_report_answered_when_answered",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="disputed") | ~models.Q(answer=""),
                name="client_report_dispute_has_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(number__gte=1, number__lte=MOST_REPORTS), name="client_report_not_endless"
            ),
            models.CheckConstraint(
                condition=models.Q(component_ids__len__gte=1), name="client_report_of_components"
            ),
        ]
        indexes = [
            # Staff: what waits for an answer, of one incident or of all.
            models.Index(
                fields=["incident", "said_at"], name="client_report_open", condition=models.Q(state="open")
            )
        ]

    def __str__(self) -> str:
        return f"{self.company_id} on {self.incident_id}: {self.kind}"


def followed() -> models.Exists:
    """Whether the company has said something later on the same incident: then what is open is taken back."""
    later = ClientReport.objects.filter(
        company_id=models.OuterRef("company_id"),
        incident_id=models.OuterRef("incident_id"),
        number__gt=models.OuterRef("number"),
    )
    return models.Exists(later)
