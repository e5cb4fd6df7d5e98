"""A report in a test: begun, written, reviewed by a second person and published, minutes after the start."""

from datetime import datetime, timedelta

from incidents.choices import PublicationKind
from incidents.models import Incident, PostMortem, PostMortemVersion
from incidents.operations import corrective_actions, postmortems, report_drafts, reports
from incidents.operations.corrective_actions import Words
from incidents.queries import reports as queries
from incidents.queries.report_shapes import ReportPage
from tenants import scope
from tenants.models import Company, User
from tests import factories
from tests.conftest import World

NOW = factories.STARTED_AT + timedelta(days=1)
TEXTS = {
    "summary": "The link between servers and storage broke.",
    "timeline": "2026-02-04 13:45 to 14:00 | Interruption | No sign-in.",
    "root_cause": "A worn connector.",
    "contributing_causes": "Waiting requests filled the queues.",
    "comes_next": "We go on looking.",
}


def begun(world: World, incident: Incident | None = None) -> PostMortem:
    """The report of an incident with TEXTS, written by sam."""
    author = factories.actor(world.sam)
    with scope.as_staff():
        draft = report_drafts.begin(
            author, incident_id=(incident or world.incident).pk, zone="Europe/Paris", now=NOW
        )
        return report_drafts.save(
            author, post_mortem_id=draft.pk, seen=0, texts=TEXTS, acknowledged={}, now=NOW
        )


def written(
    world: World, draft: PostMortem, *, acknowledged: dict[str, str] | None = None, **texts: str
) -> None:
    """Some of the texts anew, by sam."""
    with scope.as_staff():
        draft.refresh_from_db()
        report_drafts.save(
            factories.actor(world.sam),
            post_mortem_id=draft.pk,
            seen=draft.saved_count,
            texts={name: getattr(draft, name) for name in report_drafts.TEXTS} | texts,
            acknowledged=draft.acknowledged if acknowledged is None else acknowledged,
            now=NOW,
        )


def reviewed(world: World, draft: PostMortem, *, by: User) -> None:
    with scope.as_staff():
        draft.refresh_from_db()
        seen = draft.saved_count
        report_drafts.send_to_review(factories.actor(world.sam), post_mortem_id=draft.pk, seen=seen, now=NOW)
        report_drafts.approve(factories.actor(by), post_mortem_id=draft.pk, seen=seen, now=NOW)
        draft.refresh_from_db()


def published(
    world: World,
    draft: PostMortem,
    kind: PublicationKind = PublicationKind.PRELIMINARY,
    *,
    by: User | None = None,
    note: str = "",
    now: datetime = NOW,
) -> PostMortemVersion:
    """Reviewed by a second person, who is made for it, and published by sam."""
    second = by or factories.person(f"second-{kind}-{now.timestamp():.0f}@vendor.example", is_staff=True)
    reviewed(world, draft, by=second)
    with scope.as_staff():
        return reports.publish(
            factories.actor(world.sam),
            post_mortem_id=draft.pk,
            kind=kind,
            number=reports.next_number(draft.incident),
            change_note=note,
            now=now,
        )


def promised(world: World, incident: Incident | None = None, *, title: str = "Audit", **more: object) -> None:
    words = {"text": "All of it.", "owner": "Infrastructure", "due_on": None} | more
    with scope.as_staff():
        corrective_actions.promise(
            factories.actor(world.sam),
            incident_id=(incident or world.incident).pk,
            words=Words(title=title, **words),  # type: ignore[arg-type]
            now=NOW,
        )


def asked(
    world: World,
    person: User,
    company: Company,
    *,
    is_accepted: bool = True,
    incident: Incident | None = None,
) -> None:
    """A request of a company, accepted by sam."""
    with scope.as_company(company.pk, user_id=person.pk):
        wanted, _is_new = postmortems.request(
            factories.actor(person, company),
            reference=(incident or world.incident).reference,
            purpose="Our auditors ask.",
            now=factories.STARTED_AT + timedelta(hours=9),
        )
    if is_accepted:
        with scope.as_staff():
            postmortems.accept(
                factories.actor(world.sam), request_ids=[wanted.pk], now=NOW - timedelta(hours=1)
            )


def read(
    company: Company, incident: Incident, *, number: int | None = None, zone: str = "Europe/Paris"
) -> ReportPage:
    with scope.as_company(company.pk, read_only=True):
        return queries.report_page(incident.reference, zone=zone, now=NOW, number=number)
