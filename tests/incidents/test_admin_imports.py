"""The pages on which staff import recoveries: who may, what is said, what a file cannot do to them."""

import csv
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from incidents.admin import import_forms
from incidents.choices import ImportState
from incidents.models import RecoveryEntry, RecoveryImport
from incidents.operations import import_work, recovery_imports
from portal import uploads
from tenants import scope
from tenants.models import User
from tests import factories
from tests.conftest import World
from tests.incidents import sent_files
from tests.incidents.sent_files import NOW, again, applied, ask, at, file_of, restored, sent, tried_out
from tests.incidents.test_staff_roles import ADMINISTRATOR, MANAGER, PUBLISHER, SUPPORT, staff_of

SignIn = Callable[[User], Client]
ADD = "/admin/incidents/recoveryimport/add/"
MAPPING = {
    "_start": "yes",
    "company": "0",
    "at": "1",
    "state": "2",
    "component_column": "3",
    "state_of_all": "restored",
    "zone": "Europe/Paris",
    "encoding": "utf-8-sig",
}


def page(made: RecoveryImport, place: str = "change") -> str:
    return f"/admin/incidents/recoveryimport/{made.pk}/{place}/"


def send(client: Client, world: World, content: bytes, **fields: Any) -> Any:
    client.raise_request_exception = False
    file = io.BytesIO(content)
    file.name = fields.pop("name", "recoveries.csv")
    return client.post(ADD, {"incident": str(world.incident.pk), "file": file, **fields})


def imports() -> list[RecoveryImport]:
    with scope.as_staff():
        return list(RecoveryImport.objects.order_by("pk"))


def text(response: Any) -> str:
    return str(response.content.decode())


def test_a_file_goes_from_the_incidents_page_to_the_record(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    link = f"{ADD}?incident={world.incident.pk}"
    assert link in text(client.get(f"/admin/incidents/incident/{world.incident.pk}/change/"))
    assert f'value="{world.incident.pk}" selected' in text(client.get(link))

    response = send(client, world, file_of([restored("acme", 150), "nobody,x,restored,"]))
    (made,) = imports()
    assert response["Location"] == page(made)
    asked = text(client.get(page(made)))
    assert '<option value="1" selected>at</option>' in asked
    assert "Zone of these times" in asked
    client.post(page(made), MAPPING)
    assert again(made).mapping["zone"] == "Europe/Paris"
    reading = text(client.get(page(made)))
    assert "Being read" in reading
    assert '<meta http-equiv="refresh"' in reading

    import_work.advance(made.pk, now=NOW)
    ready = text(client.get(page(made)))
    assert '<meta http-equiv="refresh"' not in ready
    assert "Apply 1 entry" in ready
    assert "Unknown company" in ready
    client.post(page(made), {"_apply": "yes"})
    import_work.advance(made.pk, now=NOW)
    assert "1 entry added" in text(client.get(page(made)))
    with scope.as_staff():
        entry = RecoveryEntry.objects.get(source="import")
    assert f"{entry.at:%H:%M}" == "14:15", "15:15 was read in Paris, in winter"


@pytest.mark.parametrize("role", [SUPPORT, PUBLISHER, ADMINISTRATOR])
def test_who_may_not_record_recoveries_reads_imports_and_changes_nothing(
    world: World, signed_in: SignIn, role: str
) -> None:
    client = signed_in(staff_of(role))
    uploaded = sent(world, file_of([restored("acme", 90)]))
    ready = tried_out(world, [restored("acme", 90)])
    done = applied(world, [restored("globex", 90)])
    before = [(each.pk, each.state) for each in imports()]
    assert client.get(ADD).status_code == 403
    assert send(client, world, b"a,b\n").status_code in {400, 403}
    for made, posted in ((uploaded, MAPPING), (ready, {"_apply": "yes"}), (ready, {"_cancel": "yes"})):
        assert client.get(page(made)).status_code == 200
        assert client.post(page(made), posted).status_code == 403
    assert client.post(page(done, "roll-back")).status_code == 403
    assert client.get(page(ready, "problems")).status_code == 403
    assert [(each.pk, each.state) for each in imports()] == before


def test_an_incident_manager_may_do_all_of_it(world: World, signed_in: SignIn) -> None:
    client = signed_in(staff_of(MANAGER))
    assert send(client, world, file_of([restored("acme", 90)])).status_code == 302
    (made,) = imports()
    for posted in (MAPPING, {"_check": "yes"}, {"_apply": "yes"}):
        client.post(page(made), posted)
        import_work.advance(made.pk, now=NOW)
    assert again(made).state == ImportState.APPLIED
    assert "Roll back" in text(client.get(page(made, "roll-back")))
    client.post(page(made, "roll-back"))
    import_work.advance(made.pk, now=NOW)
    assert again(made).state == ImportState.ROLLED_BACK


@pytest.mark.parametrize("place", ["/admin/incidents/recovery/", "/admin/incidents/incident/add/"])
def test_no_other_page_takes_a_file_and_of_this_one_no_second(
    world: World, signed_in: SignIn, place: str
) -> None:
    client = signed_in(world.sam)
    client.raise_request_exception = False
    assert client.post(place, {"file": io.BytesIO(b"a,b\n")}).status_code == 400
    second = {"file": io.BytesIO(b"a,b\n"), "second": io.BytesIO(b"a,b\n")}
    assert client.post(ADD, {"incident": str(world.incident.pk), **second}).status_code == 400
    assert imports() == []


def test_a_file_that_is_too_large_is_refused_in_the_form_and_not_kept(
    world: World, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (uploads, import_forms):
        monkeypatch.setattr(module, "MOST_BYTES", 200_000)
    client = signed_in(world.sam)
    refused = send(client, world, b"a,b\n" * 50_001)
    assert refused.status_code == 200
    assert "The file is larger than 50 MB. Send it in parts. Nothing was kept." in text(refused)
    assert f'value="{world.incident.pk}" selected' in text(refused), "what else was chosen stays"
    assert imports() == []
    monkeypatch.setattr(uploads, "_MOST_READ", 100_000)
    assert send(client, world, b"a,b\n" * 50_001).status_code == 400, "nobody reads that to its end"
    assert send(signed_in(world.ada), world, b"a,b\n" * 50_001).status_code == 404
    assert imports() == []


def test_a_step_that_was_given_up_says_why_and_can_be_tried_again_or_left(
    world: World, signed_in: SignIn
) -> None:
    client = signed_in(world.sam)
    made = sent_files.started(world, file_of([restored("acme", 90)]))
    with scope.as_staff():
        RecoveryImport.objects.filter(pk=made.pk).update(attempts=import_work.MOST_ATTEMPTS)
    import_work.advance(made.pk, now=NOW)
    shown = text(client.get(page(made)))
    assert "Begun 3 times without getting anywhere. The worker was stopped each time" in shown
    assert "It was given up while it was being read. Nothing of it is in the record." in shown
    assert "Leave it applied" not in shown
    bystander = signed_in(staff_of(SUPPORT))
    assert bystander.post(page(made), {"_again": "yes"}).status_code == 403
    assert "Try again" not in text(bystander.get(page(made)))
    assert again(made).state == ImportState.FAILED

    client.post(page(made), {"_again": "yes"})
    assert again(made).state == ImportState.READING
    import_work.advance(made.pk, now=NOW)
    assert again(made).state == ImportState.READY
    client.post(page(made), {"_cancel": "yes"})
    assert again(made).state == ImportState.CANCELLED


def test_a_client_reaches_nothing_of_an_import(world: World, signed_in: SignIn) -> None:
    made = sent(world, file_of([restored("acme", 90)]))
    for person in (world.ada, world.gus):
        client = signed_in(person)
        assert {client.get(each).status_code for each in (page(made), page(made, "problems"), ADD)} == {404}
        assert send(client, world, b"a,b\n").status_code in {400, 404}
    with scope.as_company(world.acme.pk):
        assert not RecoveryImport.objects.exists()
    assert len(imports()) == 1


def bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("recoveries.csv", b"0" * 10_000_000)
    return packed.getvalue()


@pytest.mark.parametrize("content", [b"", b"\0", bomb(), b"\n\n\n", b"," * 5000, "a,b\n".encode("utf-32")])
def test_what_is_no_file_of_recoveries_is_refused_in_words(
    world: World, signed_in: SignIn, content: bytes
) -> None:
    response = send(signed_in(world.sam), world, content)
    assert response.status_code == 200
    assert "errornote" in text(response)
    assert imports() == []


def test_nothing_that_a_file_holds_is_markup_or_a_formula(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    hostile = ["=cmd|' /C calc'!A0", "<script>alert(1)</script>", "+1", "@SUM(A1)", "{{ 7|add:7 }}", "\t=1"]
    rows = [f'"{each}",{at(90)},restored,' for each in hostile]
    response = send(client, world, file_of(rows), name="<b>=x</b>.csv")
    assert response.status_code == 302
    (made,) = imports()
    client.post(page(made), MAPPING)
    assert "<script>alert" not in text(client.get(page(made)))
    import_work.advance(made.pk, now=NOW)
    shown = text(client.get(page(made)))
    assert "&lt;script&gt;alert(1)" in shown
    assert "<b>=x" not in shown
    assert "{{ 7|add:7 }}" in shown
    answer = client.get(page(made, "problems"))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    written = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert written[0] == ["line", "problem", "row"]
    assert len(written) == 1 + len(hostile)
    assert all(not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t")) for row in written for cell in row)


@pytest.mark.parametrize(
    "posted", [{"company": "99"}, {"zone": "Mars/Base"}, {"encoding": "utf-7"}, {"at": ""}]
)
def test_columns_that_are_not_there_are_asked_for_again(
    world: World, signed_in: SignIn, posted: dict[str, str]
) -> None:
    made = sent(world, file_of([restored("acme", 90)]))
    response = signed_in(world.sam).post(page(made), MAPPING | posted)
    assert "Nothing was started" in text(response)
    assert again(made).state == ImportState.UPLOADED


def test_a_column_holds_one_thing(world: World, signed_in: SignIn) -> None:
    made = sent(world, file_of([restored("acme", 90)]))
    words = text(signed_in(world.sam).post(page(made), MAPPING | {"at": MAPPING["company"]}))
    assert "This column was chosen above" in words
    assert again(made).state == ImportState.UPLOADED


def test_a_time_column_that_nothing_names_is_asked_for(world: World, signed_in: SignIn) -> None:
    made = sent(world, b"company,xyz\nacme,2026-02-04 14:00\n")
    words = text(signed_in(world.sam).get(page(made)))
    assert '<option value="" selected>Choose a column</option>' in words


def test_an_import_that_brings_nothing_says_so(world: World, signed_in: SignIn) -> None:
    made = sent(world, file_of(["nobody,x,restored,"]))
    client = signed_in(world.sam)
    client.post(page(made), MAPPING)
    import_work.advance(made.pk, now=NOW)
    words = text(client.get(page(made)))
    assert "Nothing to apply" in words
    assert "Ready to apply" not in words
    assert "All but the last 5% restored" in words


def test_letters_that_look_wrong_are_looked_at_in_another_encoding(world: World, signed_in: SignIn) -> None:
    made = sent(world, "company;at\nCafé;2026\n".encode())
    client = signed_in(world.sam)
    assert "CafÃ©" in text(client.post(page(made), {"_preview": "x", "encoding": "cp1252"}))
    assert "Café" in text(client.post(page(made), {"_preview": "x", "encoding": "utf-8-sig"}))
    utf_16 = client.post(page(made), {"_preview": "x", "encoding": "utf-16"}, follow=True)
    assert "not written in UTF-16" in text(utf_16)
    assert again(made).state == ImportState.UPLOADED


def test_the_progress_page_says_how_far_it_is_and_can_cancel(
    world: World, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_work, "ROWS_AT_ONCE", 2)
    made = sent_files.started(world, file_of([restored("acme", 90)] * 8))
    portions = import_work._portions
    monkeypatch.setattr(import_work, "_portions", lambda *a, **k: list(portions(*a, **k))[:1])
    with pytest.raises(AssertionError):
        _stopped_after_one(made)
    client = signed_in(world.sam)
    assert "Reading: 2 of about 8 rows" in text(client.get(page(made)))
    client.post(page(made), {"_cancel": "yes"})
    assert "Cancelled" in text(client.get(page(made)))
    assert "moved on" in text(client.post(page(made), {"_apply": "yes"}, follow=True))


def _stopped_after_one(made: RecoveryImport) -> None:
    keep = import_work._keep

    def once(*values: Any, **named: Any) -> bool:
        keep(*values, **named)
        raise AssertionError

    import_work._keep = once
    try:
        import_work.advance(made.pk, now=NOW)
    finally:
        import_work._keep = keep


def test_an_unknown_import_is_not_found(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    for key in ("0198c000-0000-7000-8000-000000000000", "none", "%00"):
        for place in ("change", "problems", "roll-back"):
            assert client.get(f"/admin/incidents/recoveryimport/{key}/{place}/").status_code in {302, 404}


def test_a_ready_import_that_is_asked_for_a_roll_back_says_that_there_is_none(
    world: World, signed_in: SignIn
) -> None:
    ready = tried_out(world, [restored("acme", 90)])
    client = signed_in(world.sam)
    assert "nothing of this import to roll back" in text(client.post(page(ready, "roll-back"), follow=True))
    ask(world, ready, recovery_imports.cancel)
    assert factories.STARTED_AT < NOW
