"""The frozen shapes of a company's status now: its components, its days, its month."""

from dataclasses import dataclass
from datetime import date, datetime

from incidents.availability import Measured
from incidents.choices import CompanyState
from incidents.queries.shapes import IncidentRow


@dataclass(frozen=True, kw_only=True)
class ComponentStatus:
    name: str
    service: str
    state: CompanyState | None
    """None: not affected by any open incident."""


@dataclass(frozen=True, kw_only=True)
class DataCenterStatus:
    name: str
    components: tuple[ComponentStatus, ...]


@dataclass(frozen=True, kw_only=True)
class DayStatus:
    """One UTC-free calendar day in the reader's zone; the worst state the account saw."""

    on: date
    state: CompanyState | None
    outage_seconds: int
    degraded_seconds: int


@dataclass(frozen=True, kw_only=True)
class Overview:
    state: CompanyState | None
    """Worst own state over open incidents; None: nothing open affects this account."""
    open_incidents: tuple[IncidentRow, ...]
    upcoming_maintenance: tuple[IncidentRow, ...]
    recent_incidents: tuple[IncidentRow, ...]
    """The last five that are over for this account, newest first."""
    data_centers: tuple[DataCenterStatus, ...]
    days: tuple[DayStatus, ...]
    """The last 90 days, oldest first."""
    month_started_on: date
    """Of the zone in which statements count."""
    month: Measured
    """The month so far, as a statement on it would say now."""
    requests_waiting: tuple[tuple[str, str], ...]
    """(incident reference, title) of post-mortem requests that wait for an answer."""
    requests_asking_back: tuple[tuple[str, str], ...]
    """The same of those of which the vendor has asked the company something."""
    as_of: datetime

    @property
    def measured_count(self) -> int:
        """Open incidents, without planned work."""
        return sum(not row.is_maintenance for row in self.open_incidents)

    @property
    def month_outage_seconds(self) -> int:
        return self.month.outage_seconds

    @property
    def month_seconds(self) -> int:
        """Length of the month so far."""
        return self.month.period_seconds
