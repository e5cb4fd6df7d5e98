"""Give a person of the vendor access to the admin."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from tenants import scope
from tenants.models import User


class Command(BaseCommand):
    help = "Make a staff account without a password; it is set with “Forgot your password?”."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("name")

    def handle(self, *args: Any, email: str, name: str, **options: Any) -> None:
        email = email.strip().lower()
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"“{email}” is not an e-mail address.") from error
        with scope.as_staff():
            if User.objects.filter(email=email).exists():
                raise CommandError(f"{email} has an account already; members of companies are never staff.")
            User.objects.create_superuser(email, name=name)
        self.stdout.write(f"{email} is staff. “Forgot your password?” at the sign-in page sets the password.")
