"""4 February 2026 once more, minute by minute: what staff could have said, and what a client reads."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from incidents.demo import founding, founding_texts, load, people, world
from incidents.demo.founding_texts import on_the_day
from incidents.demo.playback import Announcement
from tests import services
from tests.journeys import browsing, day_clock, served
from tests.journeys.browsing import Browsing, Kept

pytestmark = pytest.mark.browser

TITLE = "System outage"
RESOLVED_TOO_EARLY = next(each for each in founding_texts.ANNOUNCEMENTS if each.override_reason)
_PATIENCE_SECONDS = 120
COLUMNS = {"company": "Account", "at": "When", "state": "State", "component_column": "Component"}


class Day:
    """The portal of that day, its clock, and the two people whose windows stand beside each other."""

    def __init__(self, clock: Path, windows: Browsing, worker: subprocess.Popen[str]) -> None:
        self.windows = windows
        self._clock = clock
        self._worker = worker
        self._known_until: datetime | None = None

    def at(self, hour: int, minute: int) -> datetime:
        """Let it be that time, and the worker have done what is due by then."""
        now = on_the_day(hour, minute)
        day_clock.put(self._clock, now)
        self.work()
        return now

    def work(self) -> None:
        """One worker for the day: to start it costs more than all that it does."""
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        print("work", file=self._worker.stdin, flush=True)
        answered, _, _ = select.select([self._worker.stdout], [], [], _PATIENCE_SECONDS)
        assert answered, "the worker does not answer"
        assert self._worker.stdout.readline(), "the worker has ended"

    def operators_file(self, folder: Path, now: datetime) -> Path:
        """What the operators know at that time and did not when they last wrote."""
        companies = world.affected_companies(load.COMPANIES)
        lines = ["Account,When,State,Component"]
        for place, company in enumerate(companies):
            for fact in founding.facts(companies, place):
                if fact.at <= now and (self._known_until is None or fact.at > self._known_until):
                    name = COMPONENT_NAMES[fact.component_id]
                    lines.append(f"{company.slug},{fact.at:%Y-%m-%d %H:%M},{fact.state},{name}")
        self._known_until = now
        file = folder / f"accounts-{now:%H%M}.csv"
        file.write_text("\n".join((*lines, "")))
        return file


COMPONENT_NAMES = {
    world.component_id(name): name for name in world.component_names(world.SERVICES, world.DATA_CENTERS)
}


@pytest.fixture
def day(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    folder = tmp_path_factory.mktemp("day")
    clock = folder / "clock"
    day_clock.put(clock, on_the_day(13, 50))
    portal = served.start(
        folder,
        database=f"portal_day_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}",
        loading=("-m", "tests.journeys.day_work", "load"),
        application="tests.journeys.day_web:application",
        **{day_clock.VARIABLE: str(clock)},
    )
    windows = Browsing(browser, portal, Kept())
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.journeys.day_work", "work"],
        cwd=services.ROOT,
        env=portal.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Day(clock, windows, worker)
        assert windows.close() == []
    finally:
        worker.kill()
        worker.communicate()
        portal.stop()


def declare(page: Page) -> None:
    """A draft on every component, seen with how many it reaches, then published as down."""
    page.get_by_role("link", name="Declare an incident").first.click()
    page.get_by_label("Title").fill(TITLE)
    page.get_by_label("Severity").select_option(label="Major")
    for name, at in (("started_at", founding.STARTED_AT), ("detected_at", founding.DETECTED_AT)):
        page.locator(f"[name={name}_0]").fill(f"{at.astimezone(UTC):%Y-%m-%d}")
        page.locator(f"[name={name}_1]").fill(f"{at.astimezone(UTC):%H:%M:%S}")
    for box in page.locator("[name=affected]").all():
        box.check()
    page.get_by_role("button", name="Save the draft").click()
    page.get_by_role("link", name="Publish…").click()
    expect(page.locator("#content")).to_contain_text("240")
    page.get_by_label("Outage").check()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("240 companies")).to_be_visible()


def post(page: Page, announcement: Announcement) -> None:
    to_incident(page)
    page.get_by_role("link", name="Post update…").click()
    page.get_by_label("Kind").select_option(label=announcement.kind.label)
    page.get_by_label("Text:", exact=True).fill(announcement.body)
    page.get_by_role("button", name="Post update").click()


def to_incident(page: Page) -> None:
    page.goto(page.url.split("/admin/")[0] + "/admin/incidents/incident/")
    page.get_by_role("link", name=TITLE).first.click()


def record(day: Day, page: Page, folder: Path, now: datetime) -> None:
    """What the operators wrote down, from the file to the record."""
    to_incident(page)
    page.get_by_role("link", name="Import recoveries…").click()
    page.get_by_label("CSV file").set_input_files(day.operators_file(folder, now))
    page.get_by_role("button", name="Send the file").click()
    for field, column in COLUMNS.items():
        page.locator(f"select[name={field}]").select_option(label=column)
    page.get_by_label("Zone of these times").select_option(label="Europe/Paris")
    page.get_by_role("button", name="Start the dry run").click()
    day.work()
    page.reload()
    expect(page.get_by_role("region", name="What applying would change")).to_be_visible()
    page.get_by_role("button", name="Apply").click()
    day.work()
    page.reload()
    expect(page.get_by_text("Clients read it from now on.")).to_be_visible()


def test_the_founding_day_told_as_it_was(day: Day, tmp_path: Path) -> None:
    said = {each.at: each for each in founding_texts.ANNOUNCEMENTS}
    staff = day.windows.open("/admin/", person=people.SAM)
    declare(staff)

    now = day.at(13, 57)
    post(staff, said[now])
    client = day.windows.open("/acme/", person=people.ADA)
    expect(client.get_by_role("region", name="Your account now")).to_contain_text(TITLE)
    client.get_by_role("link", name=TITLE).first.click()
    answer = client.get_by_role("region", name="Your account in this incident")
    expect(answer).to_contain_text("Acme Stores: Down")

    now = day.at(14, 24)
    record(day, staff, tmp_path, now)
    post(staff, said[now])
    client.reload()
    expect(answer).to_contain_text("Acme Stores: Degraded")

    post(staff, said[day.at(16, 9)])
    now = day.at(16, 39)
    record(day, staff, tmp_path, now)
    post(staff, said[now])
    now = day.at(18, 15)
    record(day, staff, tmp_path, now)
    to_incident(staff)
    expect(staff.get_by_role("region", name="At a glance")).to_contain_text("228 of 240")

    refuse_the_first_resolved(day, staff, client, tmp_path)
    resolve(day, staff, client, tmp_path)


def refuse_the_first_resolved(day: Day, staff: Page, client: Page, folder: Path) -> None:
    """19:45, as it was posted that day."""
    answer = client.get_by_role("region", name="Your account in this incident")
    now = day.at(19, 45)
    record(day, staff, folder, now)
    post(staff, RESOLVED_TOO_EARLY)
    refused = staff.get_by_role("region", name="“Resolved” would be untrue: nothing was posted")
    expect(refused).to_contain_text("of 240 restored")
    expect(refused).to_contain_text("Not restored:")
    expect(refused).to_contain_text("Acme Stores")
    assert browsing.serious_violations(staff) == []
    client.reload()
    expect(answer).to_contain_text("Acme Stores: Degraded")
    expect(client.locator("body")).not_to_contain_text("everything works again")

    # The same words as “monitoring” would be untrue as well: they are not offered.
    honest = staff.locator("[name=honest_text]")
    assert RESOLVED_TOO_EARLY.body not in honest.input_value()
    honest.fill(f"{honest.input_value()}\n\n{RESOLVED_TOO_EARLY.body}")
    refused.get_by_role("button", name="Post as “Monitoring").click()
    expect(staff.get_by_role("region", name="The record says otherwise: nothing was posted")).to_be_visible()
    honest.fill(
        honest.input_value().replace(RESOLVED_TOO_EARLY.body, "We are moving the last databases back.")
    )
    staff.get_by_role("button", name="Post as “Monitoring").click()
    expect(staff.get_by_text("Posted as “Monitoring”")).to_be_visible()
    client.reload()
    expect(client.get_by_role("region", name="Updates")).to_contain_text("Your account is not restored yet")


def resolve(day: Day, staff: Page, client: Page, folder: Path) -> None:
    """20:20: the last ones are back, and “resolved” is what the record says."""
    answer = client.get_by_role("region", name="Your account in this incident")
    now = day.at(20, 20)
    record(day, staff, folder, now)
    to_incident(staff)
    staff.get_by_role("link", name="Post update…").click()
    staff.get_by_label("Kind").select_option(label="Resolved")
    staff.get_by_label("Text:", exact=True).fill(
        "Every account is restored. The first 95% were after {{ time_to_95 }}, the last after "
        "{{ time_to_last }}."
    )
    staff.get_by_role("button", name="Post update").click()
    client.reload()
    expect(answer).to_contain_text("Acme Stores: Restored")
    expect(answer).to_contain_text("6 h 30 min")
    expect(client.get_by_role("region", name="Updates")).to_contain_text("4 h 25 min")
