"""What three companies of the demonstration said of themselves, and what they were answered."""

from datetime import datetime, timedelta

from incidents.choices import CompanyState, ReportKind
from incidents.demo import founding, others, people, world
from incidents.demo.founding_texts import on_the_day
from incidents.operations import client_reports
from tenants import scope

_SAID_BEFORE = timedelta(minutes=4)


def write_founding() -> None:
    """Globex is disputed; Acme, told at 19:45 that all was resolved, says otherwise until it is back.

    Enters its own scopes.
    """
    gus, ada, sam = (
        people.actor(people.GUS, world.GLOBEX),
        people.actor(people.ADA, world.ACME),
        people.actor(people.SAM),
    )
    with scope.as_company(world.key("company", world.GLOBEX), user_id=gus.user_id):
        disputed, _is_new = client_reports.report(
            gus,
            reference=founding.REFERENCE,
            kind=ReportKind.STILL_BROKEN,
            component_ids=[world.component_id("Reports (NA)")],
            since_at=on_the_day(18, 25),
            text="The nightly sales report has not arrived.",
            now=on_the_day(18, 52),
        )
    with scope.as_company(world.key("company", world.ACME), user_id=ada.user_id):
        client_reports.report(
            ada,
            reference=founding.REFERENCE,
            kind=ReportKind.STILL_BROKEN,
            text="Your page says resolved. Our tills still time out in every store.",
            now=on_the_day(19, 49),
        )
        back, _is_new = client_reports.report(
            ada,
            reference=founding.REFERENCE,
            kind=ReportKind.CONFIRMED_BACK,
            since_at=on_the_day(20, 15),
            text="All stores sell again.",
            now=on_the_day(20, 24),
        )
    with scope.as_staff():
        client_reports.dispute(
            sam,
            report_id=disputed.pk,
            reason="Reports (NA) answered from the minute in your record on. This report is planned for "
            "01:00 and was never due earlier; it was delivered on time.",
            now=on_the_day(9, 30, day=5),
        )
        client_reports.accept(
            sam,
            report_id=back.pk,
            state=CompanyState.RESTORED,
            since_at=on_the_day(20, 15),
            now=on_the_day(9, 40, day=5),
        )


def write_open(*, now: datetime) -> None:
    """In the open incident Acme says that it is back, where the record has it degraded. Own scope."""
    mia = people.actor(people.MIA, world.ACME)
    with scope.as_company(world.key("company", world.ACME), user_id=mia.user_id):
        client_reports.report(
            mia,
            reference=others.OPEN,
            kind=ReportKind.CONFIRMED_BACK,
            text="Cards go through at all our counters again.",
            now=now.replace(second=0, microsecond=0) - _SAID_BEFORE,
        )
