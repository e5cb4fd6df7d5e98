"""Signed-in browsers, with the person in a column so that one statement can find the actor."""

from typing import Any, ClassVar

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from tenants import rls
from tenants.models.user import User


class Session(AbstractBaseSession):
    access: ClassVar[rls.Access] = rls.identity(
        visitor="select insert update delete", visitor_rows=rls.of_visible_people("tenants_session")
    )

    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")

    def __str__(self) -> str:
        return f"session of {self.user_id}"

    @classmethod
    def get_session_store_class(cls) -> type["SessionStore"]:
        return SessionStore


class SessionStore(db.SessionStore):
    """Django's database store, writing the person beside the signed content."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        session = super().create_model_instance(data)
        assert isinstance(session, Session)  # noqa: S101 - what get_model_class says
        session.user_id = data.get(SESSION_KEY)
        return session
