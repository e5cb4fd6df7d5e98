"""Drawings made on the server: the recovery curve of an incident and the strip of days."""

from collections.abc import Sequence
from datetime import datetime

from django import template

from incidents.queries.overview_shapes import DayStatus
from incidents.queries.shapes import CohortFacts, OwnRecovery, UpdateText
from portal.web import curve_drawing

register = template.Library()


@register.inclusion_tag("components/curve.html")
def recovery_curve(
    cohort: CohortFacts,
    recovery: OwnRecovery,
    updates: Sequence[UpdateText],
    zone: str,
    as_of: datetime,
) -> dict[str, object]:
    """The share of companies restored over time, with the reader's own place in it."""
    drawing = curve_drawing.draw_curve(cohort, recovery, updates, zone=zone, as_of=as_of)
    return {"drawing": drawing, "cohort": cohort, "recovery": recovery, "zone": zone}


@register.inclusion_tag("components/day_strip.html")
def day_strip(days: Sequence[DayStatus]) -> dict[str, object]:
    """One bar for each day, oldest first, with the days that were not clear in a table."""
    return {
        "bars": curve_drawing.draw_days(days),
        "days": days,
        "affected_days": tuple(day for day in reversed(days) if day.state is not None),
    }
