"""A real worker with more PDFs than it can make at once: a mail that comes later does not wait for all."""

from pathlib import Path

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone

from incidents.choices import DocumentKind, DocumentState
from incidents.models import Document
from incidents.operations import statements
from tenants import mail, scope
from tests import factories
from tests.conftest import World, make_world
from tests.real_worker import until, worker
from tests.tenants.smtp_sink import SmtpSink

WAITING = 200


def ask_for_many(world: World) -> None:
    """So many PDFs of one statement, all of them due."""
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        issued, _is_new = statements.issue_for_incident(
            factories.actor(world.ada, world.acme),
            reference=world.incident.reference,
            verify_at="https://portal.example/verify/",
            now=timezone.now(),
        )
        Document.objects.bulk_create(
            Document(
                company_id=world.acme.pk,
                kind=DocumentKind.STATEMENT,
                statement=issued,
                once_key=f"statement:{issued.pk}:{number}",
                zone="UTC",
                asked_by_id=world.ada.pk,
                asked_at=timezone.now(),
                due_at=timezone.now(),
            )
            for number in range(1, WAITING)
        )


def count(state: DocumentState) -> int:
    with scope.as_staff():
        return Document.objects.filter(state=state).count()


def test_a_mail_leaves_while_documents_wait(
    committed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_for_many(make_world())
    with SmtpSink() as sink:
        monkeypatch.setenv("EMAIL_URL", f"smtp://127.0.0.1:{sink.port}")
        with worker(tmp_path):
            until(lambda: count(DocumentState.MADE) > 0)
            with scope.as_staff():
                mail.enqueue(EmailMessage("Reset", "A link.", to=["ada@acme.example"]))
            until(lambda: len(sink.messages) == 1)
            assert count(DocumentState.WAITING) > 0
            before = count(DocumentState.MADE)
            until(lambda: count(DocumentState.MADE) > before)
    assert count(DocumentState.FAILED) == 0
    assert sink.messages[0]["Subject"] == "Reset"
