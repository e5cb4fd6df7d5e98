"""What was said in public on the day of the founding incident, in the portal's own words."""

from datetime import datetime, timedelta, timezone

from incidents.choices import ClaimKind, UpdateKind
from incidents.demo.playback import Announcement
from incidents.models import Claim

_CET = timezone(timedelta(hours=1))
_AS_POSTED = "Kept as it was posted that day; the record of the accounts contradicts it."


def on_the_day(hour: int, minute: int, *, day: int = 4) -> datetime:
    """An instant of February 2026 on the clock of the status page (UTC+1)."""
    return datetime(2026, 2, day, hour, minute, tzinfo=_CET)


_REPORT = """\
### Summary

At 13:45 CET the link between our servers and their storage broke, and every service in both data
centers stopped. The link was mended by 14:00. What followed took far longer: two hours of slow and
failing pages, then a step-by-step return. We count **4 h 30 min** in total; all services are restored.

### Timeline (4 February 2026, CET)

* **13:45–14:00, interruption.** No sign-in and no traffic, in Europe and in North America.
* **14:00–16:00, degraded.** Everything could be reached again, but slowly and with intermittent 503
  errors while the queues drained.
* **16:00–18:10, recovery of the first 95%.** By 18:10, 95% of the client companies were fully back.
* **18:10–20:15, recovery of the last 5%.** Their database resources were moved back, one group after
  the other, to the environments where they belong.
* **20:15, complete.** Every client runs in its permanent environment.

### What happened

1. A physical connection between servers and storage failed.
2. That took down the security layer in front of all traffic, so nobody could sign in.
3. One primary database host stopped answering, and requests piled up behind it.
4. After the hardware was mended, the waiting requests drove the routing applications to their
   limits: the 503 errors.
5. A few clients still met timeouts after 18:10.

### What we are changing

* **Infrastructure audit**: every piece of hardware and every interconnection in the data centers is
  examined, and what is ageing is replaced.
* **Expanded capacity**: more instances of the routing applications, so that a spike does not queue.
* **Automated redirection**: an emergency switch that sends traffic to maintenance pages or backup
  servers at once.

### What comes next

The hardware fault is still under forensic examination; this report will be revised when that is done.
"""

ANNOUNCEMENTS = (
    Announcement(
        at=on_the_day(13, 57),
        kind=UpdateKind.INVESTIGATING,
        body="None of our applications can be reached at the moment. We are looking for the cause, "
        "and nothing else has priority.",
    ),
    Announcement(
        at=on_the_day(14, 24),
        kind=UpdateKind.UPDATE,
        body="The first applications answer again. Access returns step by step, and we keep watching "
        "until everything is steady.",
    ),
    Announcement(
        at=on_the_day(16, 9),
        kind=UpdateKind.UPDATE,
        body="Several applications are still being interrupted. We know the cause by now, and the plan for "
        "recovery is under way.",
    ),
    Announcement(
        at=on_the_day(16, 39),
        kind=UpdateKind.UPDATE,
        body="Most systems are back but not fully recovered: expect slow responses in more than one "
        "application.",
    ),
    Announcement(
        at=on_the_day(19, 45),
        kind=UpdateKind.RESOLVED,
        body="A small group of clients had gone on having serious trouble after the others were back. That "
        "is over now too: everything works again for everyone. A post-mortem will be there for every "
        "client that asks for it.",
        override_reason=_AS_POSTED,
    ),
    Announcement(
        at=on_the_day(19, 56),
        kind=UpdateKind.RESOLVED,
        body="All applications are fully in operation. We are still monitoring them.",
        override_reason=_AS_POSTED,
    ),
    Announcement(
        at=on_the_day(19, 38, day=5), kind=UpdateKind.POST_MORTEM, body=_REPORT, override_reason=_AS_POSTED
    ),
)

HEADER = "Header of the status page"


def claims() -> tuple[Claim, ...]:
    """What else was said of the facts, unsaved and without its incident: what no text's words plainly say.

    When the header was written is not known, so its claims have no instant of their own.
    """
    report = ANNOUNCEMENTS[-1].at
    return (
        Claim(kind=ClaimKind.STARTED_AT, source=HEADER, claimed_at=on_the_day(13, 50)),
        Claim(
            kind=ClaimKind.STARTED_AT,
            source="“Post-mortem” update",
            claimed_at=on_the_day(13, 45),
            posted_at=report,
        ),
        Claim(kind=ClaimKind.TOTAL_DURATION, source=HEADER, claimed_seconds=(6 * 60 + 8) * 60),
    )
