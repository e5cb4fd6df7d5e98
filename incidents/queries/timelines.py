"""A company's own timeline: what was announced, measured and reported, each on its own clock."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from incidents.choices import CompanyState, EntrySource, UpdateKind
from incidents.queries import shapes

_STATE_WORDS = {
    CompanyState.OUTAGE: "Down",
    CompanyState.DEGRADED: "Reachable, but degraded",
    CompanyState.RESTORED: "Restored",
    CompanyState.UNKNOWN: "No signal received",
}


@dataclass(frozen=True, kw_only=True)
class EntryRow:
    """One recovery entry with the component's public name."""

    at: datetime
    state: CompanyState
    component: str
    source: EntrySource


def own_timeline(
    *,
    entries: Sequence[EntryRow],
    component_count: int,
    updates: Sequence[shapes.UpdateText],
    reports: Sequence[shapes.OwnReport] = (),
) -> tuple[shapes.TimelineRow, ...]:
    """Entries, updates and own reports as one list, oldest first; at one instant the record before words.

    Entries of one instant, state and clock become one row; it names its components unless it is
    about all `component_count` of them.
    """
    rows = [*_measured_rows(entries, component_count), *_announced_rows(updates), *_reported_rows(reports)]
    return tuple(sorted(rows, key=lambda row: row.at))


def _measured_rows(entries: Sequence[EntryRow], component_count: int) -> list[shapes.TimelineRow]:
    def moment(entry: EntryRow) -> tuple[datetime, str, bool]:
        return entry.at, entry.state, entry.source is EntrySource.CLIENT

    rows = []
    for (at, state, is_reported), group in itertools.groupby(sorted(entries, key=moment), key=moment):
        names = tuple(sorted({entry.component for entry in group}))
        is_whole = len(names) == component_count
        everything = "your component" if component_count == 1 else f"all your {component_count} components"
        rows.append(
            shapes.TimelineRow(
                at=at,
                clock="reported" if is_reported else "measured",
                text=f"{_STATE_WORDS[CompanyState(state)]}: {everything}"
                if is_whole
                else _STATE_WORDS[CompanyState(state)],
                state=CompanyState(state),
                components=() if is_whole else names,
            )
        )
    return rows


def _announced_rows(updates: Sequence[shapes.UpdateText]) -> list[shapes.TimelineRow]:
    return [
        shapes.TimelineRow(
            at=update.published_at,
            clock="announced",
            text="Post-mortem published"
            if update.kind is UpdateKind.POST_MORTEM
            else f"“{update.kind.label}” posted",
        )
        for update in updates
    ]


def _reported_rows(reports: Sequence[shapes.OwnReport]) -> list[shapes.TimelineRow]:
    return [
        shapes.TimelineRow(
            at=report.said_at,
            clock="reported",
            text=f"“{report.kind.label}”, said by {report.said_by}",
            components=report.components,
        )
        for report in reports
    ]
