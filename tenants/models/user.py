"""People: one table for members of companies and for the vendor's staff."""

from typing import Any, ClassVar
from zoneinfo import available_timezones

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from tenants import rls
from tenants.models.base import Keyed
from tenants.row_history import RowHistory

_COLLEAGUES = "id = any (array(select colleague.user_id from tenants_membership colleague))"
"""The people of the asking company, as its own memberships name them: a client reads their names."""


def validate_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(
            "“%(name)s” is not a time zone, write it like Europe/Paris.", params={"name": name}
        )


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make a person who signs in with `email`; without a password nobody can sign in yet."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(Keyed, AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in by e-mail. Staff are never members of a company."""

    access: ClassVar[rls.Access] = rls.identity(
        visitor="select update",
        visitor_columns=(("update", ("password", "last_login")),),
        visitor_rows=f"{rls.MAY_BECOME_STAFF} or not is_staff",
        client="select",
        client_columns=(("select", ("id", "name", "is_active")),),
        client_rows=_COLLEAGUES,
    )
    row_history: ClassVar[RowHistory] = RowHistory(not_kept=("last_login",), secret=("password",))

    email = models.EmailField("e-mail", max_length=254, unique=True)
    name = models.CharField(max_length=120)
    time_zone = models.CharField(
        max_length=64, blank=True, validators=[validate_time_zone], help_text="Empty: the company's."
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("staff of the vendor", default=False)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    objects = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        verbose_name = "person"
        verbose_name_plural = "people"
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique"),
        ]

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split(" ")[0]
