"""What every table declares, in one place: our models' and the libraries'."""

from django.apps import apps

from tenants import rls
from tenants.library_tables import LIBRARY_TABLES
from tenants.row_history import LIBRARY_HISTORIES, RowHistory


def declared() -> dict[str, rls.Access]:
    """Table name → declared access, for our models and the libraries' tables."""
    found = dict(LIBRARY_TABLES)
    for model in apps.get_models(include_auto_created=True):
        access = getattr(model, "access", None)
        if isinstance(access, rls.Access):
            found[model._meta.db_table] = access  # noqa: SLF001
    return found


def row_histories() -> dict[str, RowHistory]:
    """Table name → what of its rows' history is kept, for each table that keeps any."""
    found = dict(LIBRARY_HISTORIES)
    for model in apps.get_models():
        history = getattr(model, "row_history", None)
        if isinstance(history, RowHistory):
            found[model._meta.db_table] = history  # noqa: SLF001
    return found
