"""What belongs to a request, answer templates and notes: each change is written down, and read by few."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.urls import reverse

from incidents.choices import RecoveryReason
from incidents.models import AnswerTemplate, PostMortemRequest, RecoveryNote, RequestDesk
from incidents.operations import recovery_notes, request_desk, request_parts
from tenants import rls, scope
from tenants.models import AuditEvent, RowChange, User
from tests import factories
from tests.conftest import World
from tests.incidents.asking import WEDNESDAY, acting, ask

SignIn = Callable[[User], Client]


def changes(table: str, kind: str) -> list[tuple[dict[str, Any], UUID | None, str]]:
    with scope.as_staff():
        return [
            (each.changes, each.actor_id, each.role)
            for each in RowChange.objects.filter(table_name=f"incidents_{table}", kind=kind).order_by("pk")
        ]


def history(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_history", args=[row.pk])


def worked_on(world: World) -> PostMortemRequest:
    """A request of Acme with a question and an answer, a colleague who joined, and a note of staff."""
    key = ask(world, questions=["Which connector?"])
    with acting(world.bea, world.acme) as bea:
        request_parts.join(bea, reference=world.incident.reference, now=WEDNESDAY)
    with scope.as_staff(), connection.cursor() as door:
        door.execute("select set_config(%s, %s, true)", [rls.USER_SETTING, str(world.sam.pk)])
        sam = factories.actor(world.sam)
        wanted: PostMortemRequest = PostMortemRequest.objects.get(pk=key)
        question = wanted.questions.get()
        request_parts.answer(sam, request_id=key, question_id=question.pk, text="The third.", now=WEDNESDAY)
        request_desk.keep(sam, request_id=key, assignee=world.sam.pk, note="Call them.", now=WEDNESDAY)
        request_desk.keep(sam, request_id=key, assignee=None, note="Called.", now=WEDNESDAY)
        recovery_notes.write(
            sam,
            incident_id=world.incident.pk,
            company_ids=[world.acme.pk],
            reason=RecoveryReason.UNKNOWN,
            text="Their own proxy.",
            now=WEDNESDAY,
        )
    return wanted


def test_both_sides_leave_their_name_in_the_history_of_a_request(world: World) -> None:
    worked_on(world)
    ((asked, who, role),) = changes("requestquestion", "added")
    assert (asked["text"], who, role) == ([None, "Which connector?"], world.ada.pk, rls.CLIENT)
    ((answered, who, role),) = changes("requestquestion", "changed")
    assert (answered["answer"], who, role) == (["", "The third."], world.sam.pk, rls.STAFF)
    added = changes("requestrecipient", "added")
    assert [who for _fields, who, _role in added] == [world.ada.pk, world.bea.pk]
    kept = [fields for fields, _who, _role in changes("requestdesk", "changed")]
    assert {"assignee_id": [str(world.sam.pk), None]} in kept
    assert {"note": ["Call them.", "Called."]} in kept
    ((noted, who, _role),) = changes("recoverynote", "added")
    assert (noted["text"], who) == ([None, "Their own proxy."], world.sam.pk)


def test_who_was_taken_out_of_the_recipients_is_still_known(world: World) -> None:
    worked_on(world)
    with acting(world.ada, world.acme) as ada:
        request_parts.choose_recipients(
            ada, reference=world.incident.reference, recipients=[world.ada.pk], now=WEDNESDAY
        )
    ((gone, who, role),) = changes("requestrecipient", "removed")
    assert (gone["person_id"], who, role) == ([str(world.bea.pk), None], world.ada.pk, rls.CLIENT)


def test_an_answer_template_keeps_what_it_said(world: World, signed_in: SignIn) -> None:
    with scope.as_staff():
        template = AnswerTemplate.objects.create(name="Decline", text="No.")
        AnswerTemplate.objects.update(text="Not now.")
    words = signed_in(world.sam).get(history(template)).content.decode()
    assert "<del>No.</del>" in words
    assert "<ins>Not now.</ins>" in words


def test_the_history_of_a_request_tells_of_its_parts_and_that_it_was_read(
    world: World, signed_in: SignIn
) -> None:
    wanted = worked_on(world)
    sam = signed_in(world.sam)
    words = sam.get(history(wanted)).content.decode()
    for expected in ("Which connector?", "The third.", "Call them.", "Called.", world.bea.name):
        assert expected in words, expected
    assert "Their own proxy." not in words
    assert "Their own proxy." in sam.get(history(world.acme)).content.decode()
    with scope.as_staff():
        assert AuditEvent.objects.filter(action="record.read", company=world.acme).count() == 2


@pytest.mark.parametrize(
    ("rights", "seen"),
    [
        (("view_company", "view_rowchange"), set()),
        (("view_recovery", "view_rowchange"), set()),
        (("view_company", "view_recovery", "view_rowchange"), {"Their own proxy."}),
        (("view_postmortemrequest", "view_rowchange"), {"Which connector?", "Call them."}),
        (("view_answertemplate", "view_rowchange"), set()),
    ],
)
def test_nobody_reads_in_history_what_they_may_not_see_in_the_tables(
    world: World, signed_in: SignIn, rights: tuple[str, ...], seen: set[str]
) -> None:
    worked_on(world)
    eve = factories.person("eve@vendor.example")
    with scope.as_staff():
        User.objects.filter(pk=eve.pk).update(is_staff=True)
        eve.user_permissions.set(Permission.objects.filter(codename__in=rights))
        keys = {
            word: str(RowChange.objects.filter(table_name=table, changes__icontains=word).first().pk)  # type: ignore[union-attr]
            for word, table in (
                ("Their own proxy.", "incidents_recoverynote"),
                ("Which connector?", "incidents_requestquestion"),
                ("Call them.", "incidents_requestdesk"),
            )
        }
    browser = signed_in(eve)
    listed = browser.get(reverse("admin:tenants_rowchange_changelist")).content.decode()
    for word, key in keys.items():
        page = reverse("admin:tenants_rowchange_change", args=[key])
        answer = browser.get(page, follow=True)
        assert (word in answer.content.decode()) is (word in seen)
        assert (page in listed) is (word in seen)


def test_no_client_reads_any_of_it(world: World) -> None:
    worked_on(world)
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        for model in (RowChange, RequestDesk, RecoveryNote):
            assert list(model.objects.all()) == []
