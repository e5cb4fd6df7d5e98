"""The worker and its clock."""

import os
from typing import Any

from celery import Celery, signals
from django.conf import settings

from tenants import walls

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["tenants", "incidents", "portal"])
app.conf.beat_schedule = {
    "sweep-mail": {"task": "tenants.tasks.sweep_mail", "schedule": 5.0},
    "seal-audit": {"task": "tenants.tasks.seal_audit", "schedule": 5.0},
    "verify-audit": {"task": "tenants.tasks.verify_audit", "schedule": 24 * 3600.0},
    "clear-ended-sign-ins": {"task": "tenants.tasks.clear_ended_sessions", "schedule": 3600.0},
    "sweep-imports": {"task": "incidents.tasks.sweep_imports", "schedule": 5.0},
    "count-again": {"task": "incidents.tasks.count_again", "schedule": 2.0},
    "deliver-published": {"task": "incidents.tasks.deliver_published", "schedule": 60.0},
    # Staff watch these seconds go by; what nobody took in time is of no use.
    "post-due-updates": {
        "task": "incidents.tasks.post_due_updates",
        "schedule": 2.0,
        "options": {"expires": 10},
    },
    "make-documents": {"task": "portal.tasks.make_documents", "schedule": 3.0},
    "advance-maintenance": {"task": "incidents.tasks.advance_maintenance", "schedule": 15.0},
}


@signals.worker_init.connect  # type: ignore[untyped-decorator]  # celery ships no types
def refuse_unless_walls_stand(**_: Any) -> None:
    """End the worker with the reason, also when the check itself fails.

    Celery would write any other exception down, and go on to work.
    """
    if "staff" not in settings.DOORS:
        raise SystemExit("The worker does staff's work: its DOORS must name staff.")
    try:
        walls.refuse_unless_standing()
    except Exception as error:
        raise SystemExit(f"{type(error).__name__}: {error}") from error
