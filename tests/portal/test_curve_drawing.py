"""The recovery curve as numbers: what is drawn where, for a cohort that is open, over or too small."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from incidents.choices import CompanyState, UpdateKind
from incidents.cohort import companies_in
from incidents.curve import CurvePoint, recovery_curve
from incidents.queries.overview_shapes import DayStatus
from incidents.queries.shapes import CohortFacts, OwnRecovery, UpdateText
from portal.templatetags import portal_drawings
from portal.web import curve_drawing
from portal.web.curve_drawing import CurveDrawing

START = datetime(2026, 2, 4, 12, 45, tzinfo=UTC)
PARIS = "Europe/Paris"


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


LATER = minute(400)


def cohort_of(minutes: list[int], *, affected: int, as_of: datetime = LATER) -> CohortFacts:
    """The facts of `affected` companies, of which these were restored so many minutes after the start."""
    ordered = sorted(minutes)

    def at_share(percent: int) -> datetime | None:
        place = companies_in(percent, affected_count=affected)
        return minute(ordered[place - 1]) if len(ordered) >= place else None

    return CohortFacts(
        affected_count=affected,
        restored_count=len(ordered),
        tail_percent=5,
        tail_count=affected - companies_in(95, affected_count=affected) if at_share(95) else None,
        restored_half_at=at_share(50),
        restored_share_at=at_share(95),
        all_restored_at=at_share(100),
        curve=recovery_curve(
            [(minute(at), count) for count, at in enumerate(ordered, start=1) if minute(at) <= as_of],
            affected_count=affected,
            started_at=START,
            until=as_of,
        ),
        is_too_small=affected < 20,
        is_being_counted=False,
        is_final=False,
        computed_at=as_of,
        started_at=START,
    )


def own(restored_minute: int | None, *, as_of: datetime = LATER) -> OwnRecovery:
    return OwnRecovery(
        state=CompanyState.OUTAGE if restored_minute is None else CompanyState.RESTORED,
        impacted_at=START,
        restored_at=None if restored_minute is None else minute(restored_minute),
        outage_seconds=0,
        degraded_seconds=0,
        total_seconds=None,
        rank=None,
        percentile=None,
        in_tail=None,
        is_provisional=True,
        as_of=as_of,
    )


def said(kind: UpdateKind, number: int) -> UpdateText:
    return UpdateText(
        id=UUID(int=number),
        kind=kind,
        published_at=minute(number),
        body_html="",
        promise=None,
        corrected_by_id=None,
        corrects_id=None,
        contradicts_your_record=False,
    )


def draw(cohort: CohortFacts, recovery: OwnRecovery, *updates: UpdateText, zone: str = PARIS) -> CurveDrawing:
    drawing = curve_drawing.draw_curve(cohort, recovery, updates, zone=zone, as_of=cohort.computed_at)
    assert drawing is not None
    return drawing


def corners(line: str) -> list[tuple[int, int]]:
    """The points of a path of level and upright strokes, in a box of 1000 by 1000."""
    strokes = re.findall(r"([MhvH])(-?\d+)(?: (\d+))?", line)
    assert "".join("".join((a, b, f" {c}" if c else "")) for a, b, c in strokes) == line
    points: list[tuple[int, int]] = []
    for letter, first, second in strokes:
        x, y = points[-1] if points else (0, 0)
        points.append(
            {
                "M": (int(first), int(second or 0)),
                "h": (x + int(first), y),
                "v": (x, y + int(first)),
                "H": (int(first), y),
            }[letter]
        )
    return points


FIFTH = [10, 20, 30, 40, 50]
HUNDRED = list(range(1, 101))


def test_the_line_climbs_in_steps_from_nobody_to_everybody() -> None:
    drawing = draw(cohort_of([minutes for minutes in FIFTH for _ in range(4)], affected=20), own(30))
    # 50 minutes and a margin of 3%: 10 minutes are 194 of 1000.
    assert drawing.line == "M0 1000h194v-200h194v-200h195v-200h194v-200h194v-200H971"
    assert corners(drawing.line)[-1] == (971, 0)
    assert drawing.area == f"{drawing.line}V1000H0Z"


def test_the_founding_shape_has_its_milestones_tail_and_reader_where_the_record_says() -> None:
    minutes = [*range(135, 135 + 227), 265, *([300] * 11), 390]
    cohort = cohort_of(
        [min(number, 265) if number < 362 else number for number in minutes[:228]] + minutes[228:],
        affected=240,
    )
    drawing = draw(cohort, own(390))
    by_share = {milestone.share_percent: milestone for milestone in drawing.milestones}
    assert list(by_share) == [50, 95, 100]
    assert by_share[95].at == minute(265)
    assert by_share[95].y == "5.0%"
    assert by_share[100].y == "0.0%"
    assert not by_share[100].is_named, "the reader's own marker stands there"
    assert drawing.tail is not None
    assert drawing.tail.x == by_share[95].x == f"{100 * 265 / (390 * 1.03):.1f}%"
    assert drawing.here is not None
    assert (drawing.here.x, drawing.here.y, drawing.here.at) == (by_share[100].x, "0.0%", minute(390))
    assert not drawing.here.is_open
    assert drawing.levels == ((95, "5.0%"), (50, "50.0%"))


def test_who_is_still_down_stands_hollow_at_now_on_the_height_reached() -> None:
    cohort = cohort_of([10] * 10 + [20] * 5, affected=30, as_of=minute(60))
    drawing = draw(cohort, own(None, as_of=minute(60)))
    assert drawing.here is not None
    assert drawing.here.is_open
    assert drawing.here.at == minute(60)
    assert drawing.here.y == "50.0%"
    assert drawing.here.x == f"{100 / 1.03:.1f}%"
    assert corners(drawing.line)[-1] == (971, 500)
    assert drawing.tail is None
    assert [milestone.share_percent for milestone in drawing.milestones] == [50]


def test_who_was_restored_before_the_others_stands_on_the_curve_at_that_instant() -> None:
    cohort = cohort_of([10] * 10 + [20] * 5, affected=30, as_of=minute(60))
    drawing = draw(cohort, own(10, as_of=minute(60)))
    assert drawing.here is not None
    assert (drawing.here.is_open, drawing.here.at, drawing.here.y) == (False, minute(10), "66.7%")


def test_who_was_never_touched_is_not_on_the_curve() -> None:
    recovery = replace(own(None), impacted_at=None, state=CompanyState.UNKNOWN)
    assert draw(cohort_of(HUNDRED, affected=100), recovery).here is None


@pytest.mark.parametrize("affected", [1, 2, 19])
def test_too_few_companies_have_no_curve(affected: int) -> None:
    cohort = cohort_of([10] * affected, affected=affected)
    assert curve_drawing.draw_curve(cohort, own(10), (), zone=PARIS, as_of=minute(60)) is None
    shown = render_to_string(
        "components/curve.html", portal_drawings.recovery_curve(cohort, own(10), (), PARIS, minute(60))
    )
    assert "<svg" not in shown
    assert "from 20 affected companies on" in shown


def test_there_is_no_curve_before_anything_can_be_drawn() -> None:
    empty = replace(cohort_of([], affected=100), curve=())
    assert curve_drawing.draw_curve(empty, own(None), (), zone=PARIS, as_of=minute(60)) is None
    at_once = replace(cohort_of([], affected=100), curve=(CurvePoint(at=START, share=0.0),))
    assert curve_drawing.draw_curve(at_once, own(None), (), zone=PARIS, as_of=START) is None


def test_nobody_restored_yet_is_a_level_line_at_the_bottom() -> None:
    cohort = cohort_of([], affected=100, as_of=minute(30))
    drawing = draw(cohort, own(None, as_of=minute(30)))
    assert drawing.line == "M0 1000H971"
    assert drawing.milestones == ()
    assert drawing.here is not None
    assert drawing.here.y == "100.0%"


def test_updates_stand_on_the_axis_and_the_first_resolved_is_named() -> None:
    updates = (
        said(UpdateKind.POST_MORTEM, 1_000),
        said(UpdateKind.RESOLVED, 95),
        said(UpdateKind.RESOLVED, 90),
        said(UpdateKind.INVESTIGATING, 5),
    )
    marks = draw(cohort_of(HUNDRED, affected=100), own(50), *updates).marks
    assert [(mark.at, mark.is_resolved, mark.is_named) for mark in marks] == [
        (minute(5), False, False),
        (minute(90), True, True),
        (minute(95), True, False),
    ]


def test_the_ticks_are_whole_hours_of_the_readers_zone() -> None:
    cohort = cohort_of([30, 390] * 50, affected=100)
    for zone, offset in ((PARIS, 0), ("Asia/Kathmandu", 45)):
        ticks = draw(cohort, own(30), zone=zone).ticks
        assert len(ticks) in (6, 7)
        assert {(tick.at.minute + offset) % 60 for tick in ticks} == {0}
        assert [tick.is_between for tick in ticks] == [number % 2 == 1 for number in range(len(ticks))]


@pytest.mark.parametrize("hours", [0.1, 0.5, 1, 3, 8, 24, 72, 24 * 10, 24 * 60])
def test_any_length_has_a_readable_number_of_ticks(hours: float) -> None:
    cohort = cohort_of([1, int(hours * 60)] * 50, affected=100, as_of=minute(hours * 60))
    ticks = draw(cohort, own(1)).ticks
    assert 1 <= len(ticks) <= 10
    assert ticks[0].is_day == (hours >= 24 * 10)


def test_the_table_says_what_the_drawing_shows() -> None:
    rows = draw(cohort_of(HUNDRED, affected=100), own(50)).rows
    assert [row.at for row in rows] == sorted(row.at for row in rows)
    assert {row.note: (row.at, row.percent) for row in rows if row.note} == {
        "50% reached": (minute(50), 50.0),
        "95% reached": (minute(95), 95.0),
        "all reached": (minute(100), 100.0),
    }
    assert (rows[0].at, rows[0].percent) == (START, 0.0)


@given(
    st.integers(min_value=20, max_value=400).flatmap(
        lambda affected: st.tuples(
            st.just(affected), st.lists(st.integers(min_value=0, max_value=600), max_size=affected)
        )
    )
)
def test_a_curve_never_falls_nor_leaves_its_box_nor_grows_with_the_companies(
    drawn: tuple[int, list[int]],
) -> None:
    affected, minutes = drawn
    cohort = cohort_of(minutes, affected=affected, as_of=minute(601))
    assert len(cohort.curve) <= 200
    points = corners(draw(cohort, own(None, as_of=minute(601))).line)
    assert len(points) <= 2 * len(cohort.curve) + 1
    assert all(0 <= x <= 1_000 and 0 <= y <= 1_000 for x, y in points)
    xs, ys = zip(*points, strict=True)
    assert list(xs) == sorted(xs)
    assert list(ys) == sorted(ys, reverse=True)
    assert ys[-1] == round(1_000 * (1 - len(minutes) / affected))


def test_a_curve_of_as_many_points_as_there_can_be_is_a_short_line() -> None:
    cohort = cohort_of([number // 52 for number in range(10_000)], affected=10_000, as_of=minute(5_000))
    assert 190 < len(cohort.curve) <= 200
    drawing = draw(cohort, own(192))
    assert len(drawing.line) < 4_000
    assert {milestone.share_percent: milestone.at for milestone in drawing.milestones} == {
        50: minute(96),
        95: minute(182),
        100: minute(192),
    }


def test_the_drawing_as_markup_marks_the_reader_and_needs_no_style_of_its_own() -> None:
    still = cohort_of([10] * 15, affected=30, as_of=minute(60))
    over = cohort_of(HUNDRED, affected=100)
    for cohort, recovery, is_open in ((still, own(None, as_of=minute(60)), True), (over, own(50), False)):
        context = portal_drawings.recovery_curve(
            cohort, recovery, (said(UpdateKind.RESOLVED, 9),), PARIS, minute(60)
        )
        shown = render_to_string("components/curve.html", context)
        assert ("curve__here--open" in shown) == is_open
        assert ("You are here: not restored yet" in shown) == is_open
        assert ("You are here: 14:35" in shown) != is_open
        assert "style=" not in shown
        assert 'role="img" aria-labelledby="curve-title curve-description"' in shown
        assert "The same numbers as a table" in shown


def test_the_worse_a_day_was_the_taller_is_its_bar() -> None:
    def day(number: int, state: CompanyState | None, *, outage: int = 0, degraded: int = 0) -> DayStatus:
        return DayStatus(
            on=date(2026, 2, number), state=state, outage_seconds=outage, degraded_seconds=degraded
        )

    days = (
        day(1, None),
        day(2, CompanyState.UNKNOWN),
        day(3, CompanyState.DEGRADED, degraded=60),
        day(4, CompanyState.OUTAGE, outage=1, degraded=60),
    )
    bars = curve_drawing.draw_days(days)
    assert [(bar.x, bar.y, bar.height, bar.day) for bar in bars] == [
        (0, 7, 3, days[0]),
        (1, 5, 5, days[1]),
        (2, 3, 7, days[2]),
        (3, 0, 10, days[3]),
    ]
    shown = render_to_string("components/day_strip.html", portal_drawings.day_strip(days))
    assert "affected on 3 of the last 4 days" in shown
    assert shown.index("4 Feb 2026") < shown.index("3 Feb 2026"), "newest first in the table"
