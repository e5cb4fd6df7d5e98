"""What the vendor's people may do, as one table: role → permissions of the admin.

A role is a group of Django's; a person of staff may have several. The migration that makes the groups
holds a copy, and a test holds the groups of the database against this table. Superusers may do
everything, and they alone say who is staff and in which group.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tenants import view_as

OVERRIDE = "incidents.override_record"
"""Post "resolved" although the record says that an account is not restored."""

WRITE_NOTES = "incidents.change_recoverynote"
"""Write why the recovery of a company takes long, for other staff."""
APPROVE = "incidents.approve_update"
"""Let another's update of a critical incident leave, or send it back."""

POST = "incidents.change_incident"
"""Post updates, take them back while they wait, and post them at once."""

VIEW_AS_CLIENT = view_as.RIGHT
"""Open the pages of a company as one of its own roles reads them."""

VERIFY_AUDIT = "tenants.verify_audit"
"""Have the whole audit held against its chain now."""


@dataclass(frozen=True, kw_only=True)
class StaffRole:
    """One role, what it is for in a sentence, and what it may do beyond reading everything."""

    name: str
    meaning: str
    may: tuple[str, ...]


READ = (
    *(
        f"incidents.view_{model}"
        for model in (
            *(
                "affectedcomponent",
                "answertemplate",
                "claim",
                "clientreport",
                "cohort",
                "component",
                "datacenter",
                "document",
                "incident",
                "placement",
            ),
            *(
                "correctiveaction",
                "postmortem",
                "postmortemrequest",
                "postmortemversion",
                "recovery",
                "recoveryentry",
                "recoveryimport",
                "rosterentry",
                "service",
                "statement",
                "update",
                "updatetemplate",
                "waitingupdate",
            ),
        )
    ),
    *(
        f"tenants.view_{model}"
        for model in ("auditevent", "company", "membership", "outgoingmail", "rowchange", "user")
    ),
    "auth.view_group",
)
"""What every role may do: read."""


def _may(app: str, **models: str) -> Iterator[str]:
    """Permission names: `_may("incidents", claim="add change")` → incidents.add_claim, …"""
    for model, verbs in models.items():
        yield from (f"{app}.{verb}_{model}" for verb in verbs.split())


_ANSWER_CLIENTS = tuple(_may("incidents", postmortemrequest="change"))
_KEEP_TEMPLATES = tuple(_may("incidents", answertemplate="add change delete"))
_ANSWER_REPORTS = tuple(_may("incidents", clientreport="change"))
_HAVE_MADE_AGAIN = tuple(_may("incidents", document="change"))

STAFF_ROLES = (
    StaffRole(
        name="Support",
        meaning="Reads everything and answers clients.",
        may=(*_ANSWER_CLIENTS, *_ANSWER_REPORTS, *_HAVE_MADE_AGAIN, WRITE_NOTES, VIEW_AS_CLIENT),
    ),
    StaffRole(
        name="Incident manager",
        meaning="Declares incidents, posts updates, records recoveries, resolves.",
        may=(
            *_ANSWER_CLIENTS,
            *_ANSWER_REPORTS,
            WRITE_NOTES,
            *_KEEP_TEMPLATES,
            *_HAVE_MADE_AGAIN,
            *_may("incidents", incident="add change delete", recovery="change", claim="add change delete"),
            *_may("incidents", updatetemplate="add change delete"),
            OVERRIDE,
            APPROVE,
            VIEW_AS_CLIENT,
        ),
    ),
    StaffRole(
        name="Publisher",
        meaning="Answers requests for post-mortems, writes and publishes them, keeps what was claimed, "
        "approves what others write.",
        may=(
            *_ANSWER_CLIENTS,
            *_KEEP_TEMPLATES,
            *_HAVE_MADE_AGAIN,
            *_may(
                "incidents", claim="add change delete", postmortem="add change", correctiveaction="add change"
            ),
            APPROVE,
        ),
    ),
    StaffRole(
        name="Administrator",
        meaning="Keeps companies, people and what the vendor runs.",
        may=(
            *_may(
                "incidents",
                component="add change delete",
                datacenter="add change delete",
                placement="add change delete",
                service="add change delete",
            ),
            *_may("tenants", company="add change", membership="add change delete", user="add change"),
            VIEW_AS_CLIENT,
            VERIFY_AUDIT,
        ),
    ),
)


def permissions(role: StaffRole) -> frozenset[str]:
    """Everything that `role` may do, as `app.codename`."""
    return frozenset((*READ, *role.may))
