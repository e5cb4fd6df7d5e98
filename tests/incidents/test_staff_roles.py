"""The four kinds of staff: what each may do in the admin, by trying it, and that nothing else changes."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from incidents import staff_roles
from incidents.choices import CompanyState, RequestState, RosterPolicy
from incidents.models import Incident, PostMortemRequest, RecoveryEntry, RecoveryNote, Update
from incidents.operations import postmortems
from incidents.queries import staff_roster
from tenants import scope
from tenants.models import Company, User
from tests import factories
from tests.conftest import World

SUPPORT, MANAGER, PUBLISHER, ADMINISTRATOR = ("Support", "Incident manager", "Publisher", "Administrator")
ROLES = (SUPPORT, MANAGER, PUBLISHER, ADMINISTRATOR)
SignIn = Callable[[User], Client]


def staff_of(*roles: str) -> User:
    person = factories.person(f"{'-'.join(roles or ('none',)).replace(' ', '')}@vendor.example".lower())
    with scope.as_staff():
        User.objects.filter(pk=person.pk).update(is_staff=True)
        person.groups.set(Group.objects.filter(name__in=roles))
    return person


def admin(model: str, row: Any = None, page: str = "") -> str:
    if row is None:
        return f"/admin/{model}/{page}"
    return f"/admin/{model}/{row.pk}/{page or 'change'}/"


def answer_request(world: World, client: Client) -> bool:
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        asked, _ = postmortems.request(
            factories.actor(world.ada, world.acme),
            reference=world.incident.reference,
            purpose="For our auditors.",
            now=world.incident.started_at,
        )
    client.post(admin("incidents/postmortemrequest"), {"action": "accept", "_selected_action": str(asked.pk)})
    with scope.as_staff():
        return PostMortemRequest.objects.filter(pk=asked.pk, state=RequestState.ACCEPTED).exists()


def draft_incident(world: World, client: Client) -> bool:
    client.post(
        admin("incidents/incident", page="add/"),
        {
            "title": "Slow reports",
            "kind": "incident",
            "severity": "minor",
            "started_at_0": "2026-02-05",
            "started_at_1": "10:00",
            "affected": [str(world.reports.pk)],
            "tail_percent": "5",
            "roster_policy": "names",
            "request_policy": "approval",
        },
    )
    with scope.as_staff():
        return Incident.objects.filter(title="Slow reports").exists()


def publish_incident(world: World, client: Client) -> bool:
    draft = factories.draft(world.reports)
    client.post(admin("incidents/incident", draft, "publish"), {"state": "unknown"})
    with scope.as_staff():
        return not Incident.objects.get(pk=draft.pk).is_draft


def post(world: World, client: Client, **fields: str) -> bool:
    page = admin("incidents/incident", world.incident, "post-update")
    with scope.as_staff():
        before = Update.objects.count()
    sent = {"kind": "update", "text": "We are on it.", "audience": "everyone", "_post": "1", **fields}
    client.post(page, sent)
    with scope.as_staff():
        return Update.objects.count() > before


def post_update(world: World, client: Client) -> bool:
    return post(world, client)


def override_the_record(world: World, client: Client) -> bool:
    return post(world, client, kind="resolved", _override="1", override_reason="The customer said so.")


def record_recovery(world: World, client: Client) -> bool:
    with scope.as_staff():
        recovery = world.incident.recoveries.get(company=world.acme)
        before = RecoveryEntry.objects.count()
    client.post(
        admin("incidents/recovery"),
        {
            "action": "record_recovery",
            "_selected_action": str(recovery.pk),
            "record": "yes",
            "selected_count": "1",
            "state": "restored",
            "at_0": "2026-02-04",
            "at_1": "20:15",
        },
    )
    with scope.as_staff():
        return RecoveryEntry.objects.count() > before


def write_note(world: World, client: Client) -> bool:
    with scope.as_staff():
        recovery = world.incident.recoveries.get(company=world.acme)
    page = f"{admin('incidents/incident', world.incident, 'tail-note')}?of={recovery.pk}"
    client.post(page, {"reason": "data", "text": "A broken index."})
    with scope.as_staff():
        return RecoveryNote.objects.exists()


def withdraw_roster(world: World, client: Client) -> bool:
    with scope.as_staff():
        change = staff_roster.roster_change(world.incident, policy=RosterPolicy.HIDDEN, tail_percent=5)
    sent = {"policy": "hidden", "tail_percent": "5", "seen": change.digest}
    client.post(admin("incidents/incident", world.incident, "roster"), sent)
    with scope.as_staff():
        return bool(Incident.objects.get(pk=world.incident.pk).roster_policy == RosterPolicy.HIDDEN)


def add_component(world: World, client: Client) -> bool:
    page = f"{admin('incidents/incident', world.incident, 'add-component')}?component={world.reports.pk}"
    client.post(page, {"state": "unknown", "at_0": "2026-02-04", "at_1": "13:00"})
    with scope.as_staff():
        return bool(world.incident.components.count() == 2)


def remove_component(world: World, client: Client) -> bool:
    with scope.as_staff():
        both = factories.incident(world.api, world.reports, state=CompanyState.UNKNOWN)
    page = f"{admin('incidents/incident', both, 'remove-component')}?component={world.reports.pk}"
    client.post(page)
    with scope.as_staff():
        return bool(both.components.count() == 1)


def change_consent(world: World, client: Client) -> bool:
    client.post(
        admin("tenants/company"), {"action": "let_be_named", "_selected_action": str(world.globex.pk)}
    )
    with scope.as_staff():
        return Company.objects.get(pk=world.globex.pk).consents_to_be_named


def add_service(world: World, client: Client) -> bool:
    response = client.post(admin("incidents/service", page="add/"), {"name": "Loyalty", "position": "9"})
    return response.status_code == 302


def make_superuser(world: World, client: Client) -> bool:
    client.post(
        admin("tenants/user", world.bea),
        {"email": world.bea.email, "name": "Bea", "is_active": "on", "is_staff": "on", "is_superuser": "on"},
    )
    with scope.as_staff():
        return User.objects.filter(pk=world.bea.pk, is_superuser=True).exists()


def widen_own_group(world: World, client: Client) -> bool:
    with scope.as_staff():
        group = Group.objects.get(name=SUPPORT)
        before = group.permissions.count()
        everything = [
            str(pk) for pk in Group.objects.get(name=MANAGER).permissions.values_list("pk", flat=True)
        ]
    client.post(admin("auth/group", group), {"name": SUPPORT, "permissions": everything})
    with scope.as_staff():
        return group.permissions.count() != before


WHO_MAY: tuple[tuple[Callable[[World, Client], bool], tuple[str, ...]], ...] = (
    (answer_request, (SUPPORT, MANAGER, PUBLISHER)),
    (draft_incident, (MANAGER,)),
    (publish_incident, (MANAGER,)),
    (post_update, (MANAGER,)),
    (override_the_record, (MANAGER,)),
    (record_recovery, (MANAGER,)),
    (write_note, (SUPPORT, MANAGER)),
    (withdraw_roster, (MANAGER,)),
    (add_component, (MANAGER,)),
    (remove_component, (MANAGER,)),
    (change_consent, (ADMINISTRATOR,)),
    (add_service, (ADMINISTRATOR,)),
    (make_superuser, ()),
    (widen_own_group, ()),
)


@pytest.mark.parametrize("role", ROLES)
def test_the_groups_of_the_database_are_those_of_the_table(db: None, role: str) -> None:
    declared = next(each for each in staff_roles.STAFF_ROLES if each.name == role)
    with scope.as_staff():
        rows = Group.objects.get(name=role).permissions.values_list("content_type__app_label", "codename")
        assert {f"{app}.{codename}" for app, codename in rows} == staff_roles.permissions(declared)


def test_the_table_names_every_group_and_no_other(db: None) -> None:
    with scope.as_staff():
        assert set(Group.objects.values_list("name", flat=True)) == {
            each.name for each in staff_roles.STAFF_ROLES
        }


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("deed", "who_may"), WHO_MAY, ids=[deed.__name__ for deed, _ in WHO_MAY])
def test_each_kind_of_staff_may_do_what_is_theirs_and_nothing_else(
    world: World,
    signed_in: SignIn,
    role: str,
    deed: Callable[[World, Client], bool],
    who_may: tuple[str, ...],
) -> None:
    assert deed(world, signed_in(staff_of(role))) == (role in who_may)


@pytest.mark.parametrize("role", ROLES)
def test_every_kind_of_staff_reads_the_console_and_every_list(
    world: World, signed_in: SignIn, role: str
) -> None:
    client = signed_in(staff_of(role))
    assert b"Console" in client.get("/admin/").content
    for table in ("incidents/incident", "incidents/recovery", "tenants/company", "tenants/auditevent"):
        assert client.get(admin(table)).status_code == 200, table


def test_two_roles_add_up(world: World, signed_in: SignIn) -> None:
    client = signed_in(staff_of(SUPPORT, ADMINISTRATOR))
    assert answer_request(world, client)
    assert add_service(world, client)


def test_who_may_not_override_is_not_offered_it(world: World, signed_in: SignIn) -> None:
    manager = staff_of(MANAGER)
    page = admin("incidents/incident", world.incident, "post-update")
    sent = {"kind": "resolved", "text": "All well.", "audience": "everyone", "_post": "1"}
    assert b"_override" in signed_in(manager).post(page, sent).content
    with scope.as_staff():
        manager.groups.clear()
        allowed = Group.objects.get(name=MANAGER).permissions.exclude(codename="override_record")
        manager.user_permissions.set(allowed)
    refused = signed_in(manager).post(page, sent)
    assert b"would be untrue" in refused.content
    assert b"_override" not in refused.content
    assert (
        signed_in(manager).post(page, sent | {"_override": "1", "override_reason": "So."}).status_code == 403
    )
    with scope.as_staff():
        assert not Update.objects.filter(kind="resolved").exists()
