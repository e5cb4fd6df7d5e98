"""Instants, durations and shares as a reader sees them: with zone, unit and exact UTC."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from django import template
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NOTHING = mark_safe('<span class="quiet">not recorded</span>')
MINUS = "\N{MINUS SIGN}"


@register.simple_tag
def instant(value: datetime | None, zone: str) -> SafeString:
    """`<time>` with day, time and zone: "4 Feb 2026, 18:10 CET"; the exact UTC is its title."""
    if value is None:
        return NOTHING
    local = value.astimezone(ZoneInfo(zone))
    return _element(value, f"{_day(local)}, {local:%H:%M} {abbreviation(local)}")


@register.simple_tag
def clock(value: datetime | None, zone: str) -> SafeString:
    """`<time>` with time and zone only: "18:10 CET"; for use beside a day."""
    if value is None:
        return NOTHING
    local = value.astimezone(ZoneInfo(zone))
    return _element(value, f"{local:%H:%M} {abbreviation(local)}")


@register.simple_tag
def clock_with_seconds(value: datetime, zone: str) -> SafeString:
    """`<time>` with seconds and zone: "18:10:05 CET"; for how fresh a page is."""
    local = value.astimezone(ZoneInfo(zone))
    return _element(value, f"{local:%H:%M:%S} {abbreviation(local)}")


@register.simple_tag
def short_clock(value: datetime, zone: str) -> SafeString:
    """`<time>` with hours and minutes alone: "18:10"; only where the zone stands in the heading."""
    local = value.astimezone(ZoneInfo(zone))
    return _element(value, f"{local:%H:%M}")


@register.simple_tag
def period(since: datetime | None, until: datetime | None, zone: str) -> SafeString:
    """From and to in one zone, the day said once where both share it.

    "4 Feb 2026, 13:45 to 20:15 CET"; "since 4 Feb 2026, 13:45 CET" while it lasts.
    """
    if since is None:
        return NOTHING
    first = since.astimezone(ZoneInfo(zone))
    if until is None:
        return mark_safe(f"since {instant(since, zone)}")  # noqa: S308 - made of our own words
    last = until.astimezone(ZoneInfo(zone))
    if first.date() != last.date() or first.utcoffset() != last.utcoffset():
        return mark_safe(f"{instant(since, zone)} to {instant(until, zone)}")  # noqa: S308
    start = _element(since, f"{_day(first)}, {first:%H:%M}")
    end = _element(until, f"{last:%H:%M} {abbreviation(last)}")
    return mark_safe(f"{start} to {end}")  # noqa: S308 - made of our own words


@register.simple_tag
def day_of(value: datetime, zone: str) -> str:
    """The calendar day of an instant in a zone: "4 Feb 2026"."""
    return _day(value.astimezone(ZoneInfo(zone)))


@register.simple_tag
def zone_abbreviation(value: datetime, zone: str) -> str:
    """What the zone is called at that instant: "CET", "UTC", "UTC+04:00"."""
    return abbreviation(value.astimezone(ZoneInfo(zone)))


@register.filter
def plain_clock(value: datetime, zone: str) -> str:
    """Time and zone as plain words, for places where no element may stand: "18:10 CET"."""
    local = value.astimezone(ZoneInfo(zone))
    return f"{local:%H:%M} {abbreviation(local)}"


@register.filter
def plain_instant(value: datetime, zone: str) -> str:
    """Day, time and zone as plain words: "4 Feb 2026, 18:10 CET"."""
    return f"{day_of(value, zone)}, {plain_clock(value, zone)}"


def plain_period(since: datetime, until: datetime, zone: str) -> str:
    """From and to as plain words, the day said once where both share it: "4 Feb 2026, 13:45 to 14:00 CET"."""
    first, last = since.astimezone(ZoneInfo(zone)), until.astimezone(ZoneInfo(zone))
    if first.date() != last.date() or first.utcoffset() != last.utcoffset():
        return f"{plain_instant(since, zone)} to {plain_instant(until, zone)}"
    return f"{_day(first)}, {first:%H:%M} to {plain_clock(until, zone)}"


@register.filter
def plain_hours(value: datetime, zone: str) -> str:
    """Hours and minutes as plain words, where the zone is named beside: "18:10"."""
    return f"{value.astimezone(ZoneInfo(zone)):%H:%M}"


@register.filter
def plain_seconds(value: datetime, zone: str) -> str:
    """Time with seconds and zone as plain words: "18:10:05 CET"."""
    local = value.astimezone(ZoneInfo(zone))
    return f"{local:%H:%M:%S} {abbreviation(local)}"


@register.filter
def exact(value: datetime) -> str:
    """The instant in UTC as `<time datetime>` takes it: "2026-02-04T17:10:00Z"."""
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


@register.filter
def plain_day(value: datetime, zone: str) -> str:
    """The day of an instant without its year, for an axis: "4 Feb"."""
    local = value.astimezone(ZoneInfo(zone))
    return f"{local.day} {MONTHS[local.month - 1]}"


@register.filter
def day(value: date | None) -> str:
    """A calendar day: "4 Feb 2026"."""
    return "no date" if value is None else _day(value)


@register.filter
def month(value: date) -> str:
    """The month of a calendar day: "Feb 2026"."""
    return f"{MONTHS[value.month - 1]} {value.year}"


@register.filter
def is_utc(zone: str) -> bool:
    """Whether times are shown in UTC rather than in the reader's own zone."""
    return zone == "UTC"


@register.filter
def duration(seconds: int | None) -> str:
    """A length of time in at most two units, cut and not rounded.

    23400 is "6 h 30 min", 45 is "45 s", 270 is "4 min 30 s", 187200 is "2 d 4 h".
    """
    if seconds is None:
        return "not recorded"
    whole = max(0, int(seconds))
    if whole == 0:
        return "0 min"
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


@register.filter
def exact_duration(seconds: int) -> str:
    """A length of time to the second, for a document: 23405 is "6 h 30 min 5 s"."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    named = ((hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{count} {unit}" for count, unit in named if count) or "0 min"


@register.filter
def signed_duration(seconds: int | None) -> str:
    """A difference with its sign, a true minus where it is negative: 300 is "+5 min", 0 is "0 min"."""
    if seconds is None:
        return "not comparable"
    whole = int(seconds)
    if whole == 0:
        return "0 min"
    return f"{MINUS if whole < 0 else '+'}{duration(abs(whole))}"


@register.filter
def percent(value: float | None, places: int = 1) -> str:
    """A share of 0-100, cut and not rounded, so that 99.97 never reads as 100%.

    88.33 is "88.3%", 95.0 is "95%".
    """
    if value is None:
        return "not known"
    scale = 10**places
    cut = int(float(value) * scale + 1e-6) / scale
    return f"{cut:.{places}f}".rstrip("0").rstrip(".") + "%" if places else f"{int(cut)}%"


def abbreviation(local: datetime) -> str:
    """The zone's own abbreviation, or its distance from UTC where it has only digits."""
    name = local.tzname() or "UTC"
    if name[0] in "+-":
        offset = local.strftime("%z")
        sign = MINUS if offset[0] == "-" else "+"
        return f"UTC{sign}{offset[1:3]}:{offset[3:5]}"
    return name


def _element(value: datetime, text: str) -> SafeString:
    in_utc = value.astimezone(UTC)
    title = f"{_day(in_utc)}, {in_utc:%H:%M:%S} UTC"
    return mark_safe(  # noqa: S308 - digits and names of zones only
        f'<time datetime="{in_utc:%Y-%m-%dT%H:%M:%SZ}" title="{title}">{text}</time>'
    )


def _day(value: date) -> str:
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}"
