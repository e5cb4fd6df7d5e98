"""A pytest plugin: knows whose every text of the world is, and fails the test that lets one astray."""

import functools
import logging
from collections.abc import Callable, Generator
from typing import Any

import pytest
import redis
from celery import signals as worker_signals
from django.conf import settings
from django.core.mail.backends import console, locmem, smtp
from django.db.models.signals import post_save
from django.test import Client
from redis.client import Pipeline

from incidents.models import Incident
from tenants.models import Company, Membership, User
from tests.canaries import marks, owners, watch

_log_watch = watch.LogWatch()


def pytest_sessionstart() -> None:
    """Stand at every way out of the portal, for the whole run."""
    post_save.connect(_know_company, sender=Company, dispatch_uid="canaries")
    post_save.connect(_know_person, sender=User, dispatch_uid="canaries")
    post_save.connect(_know_membership, sender=Membership, dispatch_uid="canaries")
    post_save.connect(_know_incident, sender=Incident, dispatch_uid="canaries")
    worker_signals.before_task_publish.connect(_task_is_sent, dispatch_uid="canaries")
    Client.request = _answering(Client.request)  # type: ignore[method-assign]
    for backend in (console.EmailBackend, locmem.EmailBackend, smtp.EmailBackend):
        backend.send_messages = _sending(backend.send_messages)  # type: ignore[method-assign]
    for speaker in (redis.Redis, Pipeline):
        speaker.execute_command = _commanding(speaker.execute_command)  # type: ignore[method-assign]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    marks.begin()
    watch.complaints.clear()
    root = logging.getLogger()
    if _log_watch not in root.handlers:
        root.addHandler(_log_watch)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    try:
        yield
        watch.end_of_test(settings.DATA_DIR)
    finally:
        if watch.complaints:
            item.add_report_section("call", "canaries", "\n".join(watch.complaints))
    if watch.complaints:
        pytest.fail("A text has gone astray:\n- " + "\n- ".join(watch.complaints), pytrace=False)


def _know_company(instance: Company, **_: Any) -> None:
    marks.in_force.id(instance.pk, owners.of_company(instance))
    marks.in_force.literal(instance.name, owners.of_company(instance), "the name", is_name=True)


def _know_person(instance: User, **_: Any) -> None:
    marks.in_force.id(instance.pk, owners.of_person(instance))
    marks.in_force.literal(instance.email, owners.of_person(instance), "the address")
    marks.in_force.literal(instance.name, owners.of_person(instance), "the name")


def _know_membership(instance: Membership, **_: Any) -> None:
    marks.in_force.companies_of_person[instance.user_id].add(instance.company_id)


def _know_incident(instance: Incident, **_: Any) -> None:
    marks.in_force.id(instance.pk, owners.of_incident(instance))
    marks.in_force.literal(instance.reference, owners.of_incident(instance), "the reference")


def _task_is_sent(sender: str, body: Any, **_: Any) -> None:
    watch.task_tells(sender, body)


def _answering(request: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(request)
    def watched(client: Client, **asked: Any) -> Any:
        watch.keep_what_is_shown(asked)
        response = request(client, **asked)
        if marks.in_force:
            watch.answer_tells(asked, response)
        return response

    return watched


def _sending(send: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(send)
    def watched(backend: Any, messages: Any) -> Any:
        for message in messages or ():
            watch.message_tells(message)
        return send(backend, messages)

    return watched


def _commanding(execute: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(execute)
    def watched(speaker: Any, *words: Any, **options: Any) -> Any:
        watch.cache_command_tells(words)
        return execute(speaker, *words, **options)

    return watched
