"""Every table's declared access in one place: our models' and the libraries'."""

from django.apps import apps

from tenants import rls
from tenants.library_tables import LIBRARY_TABLES


def declared() -> dict[str, rls.Access]:
    """Table name → declared access, for our models and the libraries' tables."""
    found = dict(LIBRARY_TABLES)
    for model in apps.get_models(include_auto_created=True):
        access = getattr(model, "access", None)
        if isinstance(access, rls.Access):
            found[model._meta.db_table] = access  # noqa: SLF001
    return found
