"""Orders for a post-mortem: a thing with a state and a due date, not a message."""

from typing import ClassVar

from django.db import models

from incidents.choices import RequestState
from incidents.models.base import ChoiceField, one_of
from incidents.models.incident import Incident
from tenants import rls
from tenants.models import User
from tenants.models.base import Business, CompanyOwned, StaffManager
from tenants.row_history import RowHistory

MOST_REQUESTS = 10
"""So often may one company ask, withdraw and ask again about one incident."""
MOST_QUESTIONS = 5
"""So many questions of the company go with one request."""
MOST_ASKED_BACK = 20
"""So many questions of the vendor."""


def _where_automatic(published: str = "") -> str:
    """The incidents where every request is accepted; those with that report, if one is named."""
    report = f" and visible.published_report = '{published}'" if published else ""
    return (
        "incident_id = any (array(select visible.id from incidents_incident visible "  # noqa: S608 - constants
        f"where visible.request_policy = 'automatic'{report}))"
    )


_OWN_REQUEST = f"""requested_by_id = {rls.CURRENT_USER} and decline_reason = ''
and withdrawn_at is null and withdrawn_by_id is null and (
    (state = 'requested' and answered_at is null)
    or (state = 'accepted' and {_where_automatic()})
    or (state = 'preliminary_delivered' and {_where_automatic("preliminary")})
    or (state = 'final_delivered' and {_where_automatic("final")})
)"""
"""What a client may ask, as an SQL condition: in its own name, and answered only where all are."""
_IS_COLLEAGUE = "= any (array(select colleague.user_id from tenants_membership colleague))"
_WITHDRAWAL = (
    "state = any (array['requested', 'accepted'])",
    f"state = 'withdrawn' and withdrawn_at is not null and withdrawn_by_id = {rls.CURRENT_USER}",
)
"""What a client may change of a request: take it back in its own name while nothing is delivered."""
_OF_REQUEST = RowHistory(belongs_to=("request_id",))


class PostMortemRequest(CompanyOwned):
    """One company's request for the report on one incident; its colleagues share it."""

    access = rls.company_owned(
        client="select insert update",
        client_columns=(("update", ("state", "withdrawn_at", "withdrawn_by_id", "withdrawn_by_name")),),
        client_inserts=_OWN_REQUEST,
        client_updates=_WITHDRAWAL,
        staff="select insert update",
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
    preliminary_delivered_at = models.DateTimeField(null=True, blank=True)
    """Empty where the final report came first."""
    final_delivered_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )
    withdrawn_by_name = models.CharField(max_length=120, blank=True, default="", db_default="")

    class Meta(CompanyOwned.Meta):
        verbose_name = "post-mortem request"
        constraints = [
            # What was withdrawn stays, and does not keep the company from asking again.
            models.UniqueConstraint(
                fields=["company", "incident"],
                condition=~models.Q(state="withdrawn"),
                name="post_mortem_request_once",
            ),
            models.UniqueConstraint(fields=["company", "id"], name="post_mortem_request_of_company"),
            one_of("state", RequestState, "post_mortem_request_state"),
            models.CheckConstraint(
                condition=~models.Q(state="declined") | ~models.Q(decline_reason=""),
                name="post_mortem_request_decline_has_reason",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="withdrawn") | models.Q(withdrawn_at__isnull=False),
                name="post_mortem_request_withdrawn_when",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "answer_due_at"], name="post_mortem_request_queue"),
            # The requests that one publication serves.
            models.Index(fields=["incident", "state"], name="post_mortem_request_served"),
            # How often one company has asked, withdrawn requests too.
            models.Index(fields=["company", "incident"], name="post_mortem_request_own"),
        ]

    def __str__(self) -> str:
        return f"{self.company_id} asks for {self.incident_id}"


class PartOfRequest(CompanyOwned):
    """A row that belongs to one request, and to its company."""

    class Meta(CompanyOwned.Meta):
        abstract = True
        default_permissions = ()
        """Shown and changed with its request, by who may do that."""


class RequestRecipient(PartOfRequest):
    """A member whom the report is for: who asked, colleagues who joined, and whom these chose."""

    access = rls.company_owned(
        client="select insert delete",
        client_inserts=f"added_by_id = {rls.CURRENT_USER} and person_id {_IS_COLLEAGUE}",
        staff="select insert",
    )
    row_history = _OF_REQUEST

    request = models.ForeignKey(
        PostMortemRequest, on_delete=models.CASCADE, related_name="recipients", db_index=False
    )
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    person_name = models.CharField(max_length=120)
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    added_at = models.DateTimeField()

    class Meta(PartOfRequest.Meta):
        constraints = [
            models.UniqueConstraint(fields=["company", "request", "person"], name="request_recipient_once")
        ]

    def __str__(self) -> str:
        return f"{self.person_id} of {self.request_id}"


class RequestQuestion(PartOfRequest):
    """One question of either side, answered once by the other.

    Of the vendor's people no name and no id reaches the client: `asked_by_name` and `answered_by_name`
    name people of the company alone.
    """

    access = rls.company_owned(
        client="select insert update",
        client_columns=(
            (
                "select",
                (
                    *("id", "company_id", "request_id", "from_vendor", "number", "text"),
                    *("asked_at", "asked_by_name", "answer", "answered_at", "answered_by_name"),
                ),
            ),
            ("update", ("answer", "answered_at", "answered_by_id", "answered_by_name")),
        ),
        client_inserts=f"asked_by_id = {rls.CURRENT_USER} and not from_vendor and answer = '' "
        "and answered_at is null and answered_by_id is null",
        client_updates=(
            "from_vendor and answered_at is null",
            f"from_vendor and answered_at is not null and answered_by_id = {rls.CURRENT_USER}",
        ),
        staff="select insert update",
    )
    row_history = _OF_REQUEST

    request = models.ForeignKey(
        PostMortemRequest, on_delete=models.CASCADE, related_name="questions", db_index=False
    )
    from_vendor = models.BooleanField(default=False)
    number = models.PositiveSmallIntegerField()
    """1 for the first of its side."""
    text = models.TextField(max_length=1_000)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    asked_by_name = models.CharField(max_length=120, blank=True)
    answer = models.TextField(blank=True, max_length=4_000)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )
    answered_by_name = models.CharField(max_length=120, blank=True)

    class Meta(PartOfRequest.Meta):
        constraints = [
            # Also what two colleagues at once run into.
            models.UniqueConstraint(
                fields=["company", "request", "from_vendor", "number"], name="request_question_number"
            ),
            models.CheckConstraint(
                condition=models.Q(from_vendor=False, number__gte=1, number__lte=MOST_QUESTIONS)
                | models.Q(from_vendor=True, number__gte=1, number__lte=MOST_ASKED_BACK),
                name="request_question_not_endless",
            ),
            models.CheckConstraint(condition=~models.Q(text=""), name="request_question_has_text"),
            models.CheckConstraint(
                condition=models.Q(answered_at__isnull=True, answer="")
                | models.Q(models.Q(answered_at__isnull=False), ~models.Q(answer="")),
                name="request_question_answered_when_answered",
            ),
        ]

    def __str__(self) -> str:
        return f"question {self.number} of {self.request_id}"


class RequestDesk(PartOfRequest):
    """What staff keep of a request among themselves: who of them works on it, and a note."""

    access = rls.company_owned(client="", staff="select insert update")
    row_history = _OF_REQUEST

    request = models.OneToOneField(PostMortemRequest, on_delete=models.CASCADE, related_name="desk")
    assignee = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    note = models.TextField(blank=True, max_length=4_000)

    objects: ClassVar[StaffManager["RequestDesk"]] = StaffManager()

    def __str__(self) -> str:
        return f"desk of {self.request_id}"


class AnswerTemplate(Business):
    """A text that staff answer with again and again: a reason to decline, an answer to a question."""

    access = rls.staff_only()
    row_history = RowHistory()

    name = models.CharField(max_length=120, unique=True, help_text="What staff choose it by.")
    text = models.TextField(max_length=2_000, help_text="Clients read this as it is.")

    objects: ClassVar[StaffManager["AnswerTemplate"]] = StaffManager()

    class Meta(Business.Meta):
        verbose_name = "answer template"

    def __str__(self) -> str:
        return self.name
