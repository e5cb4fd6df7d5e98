"""The journey of a file of recoveries: sent, its columns named, tried out, applied, taken back."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from incidents.demo import others, people
from tests.journeys import browsing
from tests.journeys.browsing import Browsing

pytestmark = pytest.mark.browser

OPEN = f"/acme/incidents/{others.OPEN}/"
TITLE = "Card payments slow or failing in Europe"
PATIENCE_MILLISECONDS = 60_000
"""The page asks by itself how far the worker is."""


def import_page(page: Page) -> Page:
    page.get_by_role("link", name=TITLE).click()
    page.get_by_role("link", name="Import recoveries…").click()
    return page


def send(page: Page, file: Path, content: str) -> None:
    file.write_text(content)
    page.get_by_label("CSV file").set_input_files(file)
    page.locator("form input[type=submit]").first.click()


def test_a_file_is_sent_tried_out_applied_and_taken_back(windows: Browsing, tmp_path: Path) -> None:
    client = windows.open(OPEN, person=people.ADA)
    answer = client.get_by_role("region", name="Your account in this incident")
    expect(answer).to_contain_text("Acme Stores: Degraded")
    staff = import_page(windows.open("/admin/", person=people.SAM))
    at = datetime.now(UTC) - timedelta(minutes=1)
    send(
        staff,
        tmp_path / "tills-back.csv",
        f"Client,When,State\nacme,{at:%Y-%m-%d %H:%M:%S},restored\nnobody,soon,restored\n",
    )

    expect(staff.get_by_role("heading", name="How the file begins")).to_be_visible()
    staff.locator("select[name=company]").select_option(label="Client")
    staff.locator("select[name=at]").select_option(label="When")
    staff.locator("select[name=state]").select_option(label="State")
    staff.locator("select[name=zone]").select_option(label="UTC")
    assert browsing.serious_violations(staff) == []
    staff.get_by_role("button", name="Start the dry run").click()

    with windows.portal.worker():
        preview = staff.get_by_role("region", name="What applying would change")
        expect(preview).to_be_visible(timeout=PATIENCE_MILLISECONDS)
        expect(staff.get_by_role("region", name="Rows left out: 1")).to_contain_text("Unknown company")
        client.reload()
        expect(answer).to_contain_text("Acme Stores: Degraded")
        assert browsing.serious_violations(staff) == []
        beside = windows.open("/admin/", person=people.SAM)
        expect(beside.get_by_role("region", name="Imports of recoveries")).to_contain_text("to apply")

        staff.get_by_role("button", name="Apply").click()
        expect(staff.get_by_text("Clients read it from now on.")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
        expect(answer).to_contain_text("Acme Stores: Restored")

        staff.get_by_role("link", name="Roll back…").click()
        staff.get_by_role("button", name="Roll back").click()
        expect(staff.get_by_text("Both stay in the record.")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
        expect(answer).to_contain_text("Acme Stores: Degraded")
    beside.reload()
    expect(beside.get_by_role("heading", name="Imports of recoveries")).to_have_count(0)


def test_a_file_that_is_too_large_is_refused_in_the_form(windows: Browsing, tmp_path: Path) -> None:
    staff = import_page(windows.open("/admin/", person=people.SAM))
    line = "acme,2026-02-04 18:10,restored\n"
    send(staff, tmp_path / "large.csv", line * (51 * 1024 * 1024 // len(line)))
    expect(staff.get_by_text("The file is larger than 50 MB.")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
