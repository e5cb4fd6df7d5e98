"""Account mails: kept until they have left, sent once, and nobody learns who has an account."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import quote_from_bytes

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tenants import mail, scope, tasks
from tenants.models import OutgoingMail
from tests import factories
from tests.conftest import World, make_world
from tests.tenants.smtp_sink import SmtpSink
from tests.threads import at_once

NOW = datetime(2026, 2, 4, 14, 0, tzinfo=factories.STARTED_AT.tzinfo)


@pytest.fixture
def real_world(committed: None) -> World:
    return make_world()


@pytest.fixture
def server(settings: Settings) -> Iterator[SmtpSink]:
    with SmtpSink() as sink:
        send_to(settings, sink.port)
        yield sink


def send_to(settings: Settings, port: int) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = port
    settings.EMAIL_TIMEOUT = 5


def port_of_nobody() -> int:
    with SmtpSink() as sink:
        return sink.port


def outbox() -> list[OutgoingMail]:
    with scope.as_staff():
        return list(OutgoingMail.objects.order_by("created_at"))


def enqueue(address: str = "ada@acme.example", *, now: datetime = NOW) -> OutgoingMail:
    message = EmailMultiAlternatives("A subject\nof two lines", "Plain words", to=[address])
    message.attach_alternative("<p>Rich words</p>", "text/html")
    return mail.enqueue(message, now=now)


def ask_for_reset(address: str) -> tuple[int, dict[str, str], bytes]:
    """What a visitor who has forgotten a password is told, without the request's reference."""
    response = Client().post("/accounts/password/reset/", {"email": address})
    kept = {name: value for name, value in response.headers.items() if name != "X-Request-ID"}
    return response.status_code, kept, response.content


def test_a_forgotten_password_is_set_anew_through_one_mail(real_world: World, server: SmtpSink) -> None:
    assert ask_for_reset("ada@acme.example")[0] == 302
    assert [each.to_address for each in outbox()] == ["ada@acme.example"]
    assert server.messages == []

    assert mail.deliver_due(now=timezone.now()) == 1
    assert mail.deliver_due(now=timezone.now() + timedelta(days=1)) == 0
    (message,) = server.messages
    assert message["To"] == "ada@acme.example"
    body = message.get_body(("plain",))
    assert body is not None
    link = re.search(r"http://testserver(/\S+)", body.get_content())
    assert link is not None
    (kept,) = outbox()
    assert (kept.body_text, kept.body_html) == ("", ""), "the link is not kept after it has left"
    assert kept.sent_at is not None

    browser = Client()
    form = browser.get(link[1])
    assert form.status_code == 302
    new = {"password1": "four new random words", "password2": "four new random words"}
    assert browser.post(form["Location"], new).status_code == 302
    assert signs_in("ada@acme.example", "four new random words")
    assert not signs_in("ada@acme.example", factories.PASSWORD)

    other = Client()
    again = other.get(link[1])
    other.post(again["Location"] if again.status_code == 302 else link[1], {"password1": "stolen words here"})
    assert not signs_in("ada@acme.example", "stolen words here"), "a link works once"


def signs_in(address: str, password: str) -> bool:
    response = Client().post("/accounts/login/", {"login": address, "password": password})
    return response.status_code == 302


def test_who_has_no_account_is_told_the_same_and_gets_nothing(real_world: World) -> None:
    with scope.as_staff():
        real_world.bea.is_active = False
        real_world.bea.save()
    known = ask_for_reset("ada@acme.example")
    unknown = ask_for_reset("nobody@acme.example")
    disabled = ask_for_reset("bea@acme.example")
    assert known == unknown == disabled
    assert sorted(each.to_address for each in outbox()) == [mail.NOBODY, mail.NOBODY, "ada@acme.example"]


def test_a_mail_to_nobody_is_never_sent_and_soon_gone(real_world: World, server: SmtpSink) -> None:
    """It is built and kept, because the time of an answer would tell which addresses are known."""
    ask_for_reset("nobody@acme.example")
    assert [each.subject for each in outbox()] != []
    assert mail.deliver_due(now=timezone.now()) == 0
    assert server.messages == []
    assert outbox() == []


def test_a_wrong_password_and_an_unknown_address_are_told_the_same(world: World) -> None:
    def answer(address: str) -> tuple[int, str]:
        response = Client().post("/accounts/login/", {"login": address, "password": "not the password"})
        said = response.content.decode().replace(address, "").replace(response["X-Request-ID"], "")
        return response.status_code, re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", said)

    assert answer("ada@acme.example") == answer("nobody@acme.example")


@pytest.mark.parametrize(
    "address",
    [
        "ada@acme.example\r\nBcc: gus@globex.example",
        "ada@acme.example\x00",
        "\ud800@acme.example",
        "a" * 5000,
        "",
    ],
)
def test_a_hostile_address_is_no_500_and_sends_nothing(real_world: World, address: str) -> None:
    client = Client(raise_request_exception=False)
    body = "email=" + quote_from_bytes(address.encode("utf-8", "surrogatepass"))
    response = client.generic("POST", "/accounts/password/reset/", body, "application/x-www-form-urlencoded")
    assert response.status_code < 500
    assert outbox() == []


def test_a_mail_in_the_outbox_goes_with_its_request(committed: None) -> None:
    """What is rolled back is not sent."""

    def enqueue_and_fail() -> None:
        with scope.as_staff():
            enqueue()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        enqueue_and_fail()
    assert outbox() == []


def test_a_message_keeps_both_bodies_one_line_of_subject_and_a_stable_id(
    committed: None, server: SmtpSink
) -> None:
    kept = enqueue()
    tasks.sweep_mail()
    (message,) = server.messages
    assert message["Subject"] == "A subject of two lines"
    assert message["Message-ID"] == f"<{kept.pk}@portal>"
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


def test_while_the_server_is_down_the_mail_is_kept_and_tried_later(
    committed: None, settings: Settings
) -> None:
    send_to(settings, port_of_nobody())
    enqueue()
    assert mail.deliver_due(now=NOW) == 0
    (kept,) = outbox()
    assert (kept.attempts, kept.sent_at, kept.failed_at) == (1, None, None)
    assert kept.due_at == NOW + timedelta(minutes=1)
    assert kept.body_text == "Plain words"

    with SmtpSink() as server:
        send_to(settings, server.port)
        assert mail.deliver_due(now=NOW + timedelta(seconds=59)) == 0
        assert mail.deliver_due(now=NOW + timedelta(minutes=1)) == 1
        assert len(server.messages) == 1
    (kept,) = outbox()
    assert (kept.attempts, kept.sent_at) == (2, NOW + timedelta(minutes=1))


@pytest.mark.parametrize("answer", ["451 try later", "550 no such mailbox"])
def test_a_refused_recipient_does_not_hold_up_the_others(
    committed: None, settings: Settings, answer: str
) -> None:
    enqueue("first@acme.example")
    enqueue("second@acme.example", now=NOW + timedelta(seconds=1))
    with SmtpSink(recipient_answer=answer) as server:
        send_to(settings, server.port)
        assert mail.deliver_due(now=NOW + timedelta(seconds=1)) == 0
        assert len(server.recipients) == 2
    assert [each.attempts for each in outbox()] == [1, 1]


def test_it_is_given_up_after_twelve_tries_and_not_before(committed: None, settings: Settings) -> None:
    send_to(settings, port_of_nobody())
    enqueue()
    now, pauses = NOW, []
    for _ in range(mail.GIVE_UP_AFTER):
        assert outbox()[0].failed_at is None
        assert mail.deliver_due(now=now) == 0
        pauses.append(outbox()[0].due_at - now)
        now = outbox()[0].due_at
    assert pauses[:4] == [timedelta(minutes=minutes) for minutes in (1, 2, 4, 8)]
    assert max(pauses) == timedelta(hours=12)
    assert outbox()[0].failed_at is not None
    assert outbox()[0].attempts == 12
    assert mail.deliver_due(now=now + timedelta(days=1)) == 0
    assert outbox()[0].attempts == 12


def test_a_worker_killed_while_sending_leaves_the_mail_to_the_next_after_the_lease(
    committed: None, settings: Settings, server: SmtpSink
) -> None:
    """The lease is taken and committed before sending; here the process ends in between."""
    settings.EMAIL_BACKEND = "tests.tenants.no_such_module.Backend"
    enqueue()
    with pytest.raises(ImportError):
        mail.deliver_due(now=NOW)
    send_to(settings, server.port)
    assert mail.deliver_due(now=NOW + mail.LEASE - timedelta(seconds=1)) == 0
    assert mail.deliver_due(now=NOW + mail.LEASE) == 1
    assert len(server.messages) == 1


def test_two_workers_at_once_send_each_mail_once(committed: None, server: SmtpSink) -> None:
    for number in range(120):
        enqueue(f"person{number}@acme.example")
    sent: list[int] = []

    def work() -> None:
        while count := mail.deliver_due(now=NOW):
            sent.append(count)

    assert at_once(*[work] * 3) == [None] * 3
    assert sum(sent) == 120
    assert len({message["To"] for message in server.messages}) == len(server.messages) == 120
