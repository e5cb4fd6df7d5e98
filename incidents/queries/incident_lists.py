"""The incidents that affect one company, newest first."""

from datetime import datetime

from django.db.models import Q

from incidents.choices import IncidentKind
from incidents.models import Recovery
from incidents.queries import downtime, headers, shapes

PAGE_SIZE = 25
MOST_PAGES = 400


def incident_list(*, search: str, kind: str, page_number: int, now: datetime) -> shapes.IncidentList:
    """One page of the company's incidents and maintenances by start, newest first.

    Two statements, three where planned work that touched the account is among them.

    `search` is looked for in titles and references, `kind` is '' or a kind; anything else counts
    as no filter, and a page number out of range as the nearest page.
    """
    recoveries = Recovery.objects.filter(incident__published_at__isnull=False)
    kind = kind if kind in set(IncidentKind) else ""
    if kind:
        recoveries = recoveries.filter(incident__kind=kind)
    if search:
        recoveries = recoveries.filter(
            Q(incident__title__icontains=search) | Q(incident__reference__icontains=search)
        )
    total = recoveries.count()
    last = max(1, min(MOST_PAGES, -(-total // PAGE_SIZE)))
    page_number = min(max(1, page_number), last)
    start = (page_number - 1) * PAGE_SIZE
    ordered = (
        headers.with_own_promise(recoveries)
        .select_related("incident")
        .order_by("-incident__started_at", "-incident_id")
    )
    rows = list(ordered[start : start + PAGE_SIZE])
    counted = downtime.counted(rows, now=now)
    return shapes.IncidentList(
        rows=tuple(
            headers.incident_row(each, now=now, counted=counted.get(each.incident_id)) for each in rows
        ),
        search=search,
        kind=kind,
        page_number=page_number,
        has_next=page_number < last,
        total_count=total,
        as_of=now,
    )
