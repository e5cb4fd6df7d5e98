"""Texts that wait before they leave, and texts that an update can begin with."""

from typing import Any

import django.contrib.postgres.fields
import django.db.models.deletion
import tenants.models.base
import uuid6
from django.apps import apps as installed
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

from tenants import rls

_KINDS = [
    "investigating",
    "identified",
    "update",
    "monitoring",
    "resolved",
    "reopened",
    "correction",
    "post_mortem",
]
_AUDIENCES = ["everyone", "components", "data_centers", "not_restored", "tail", "companies", "staff"]
_STATES = ["awaiting", "waiting", "posted", "undone", "sent_back", "stopped"]

_READ = "view_updatetemplate view_waitingupdate "
_GROUPS = {
    "Support": _READ,
    "Incident manager": _READ
    + "add_updatetemplate change_updatetemplate delete_updatetemplate approve_update",
    "Publisher": _READ + "approve_update",
    "Administrator": _READ,
}

_OWN_STATE = """\
::: restored
Your account has been back since {{ your_restored_at }}.
:::

::: not restored
Your account is not restored yet; we have not forgotten it.
:::
"""
_TEMPLATES = (
    (
        "incident",
        "investigating",
        "First word, cause unknown",
        (
            "Something is wrong since {{ started_at }}, and it touches your account. We are looking for the cause, "
            "and nothing else comes before it.\n\n"
            "What you may notice: ‹what clients see, in their words›."
        ),
    ),
    (
        "incident",
        "identified",
        "Cause found",
        "We know the cause: ‹what it is, in one sentence›. We are now ‹what is being done›.\n\n"
        "{{ restored_count }} of {{ affected_count }} accounts are restored so far.\n\n" + _OWN_STATE,
    ),
    (
        "incident",
        "update",
        "Still at work",
        "We are still at it. {{ restored_count }} of {{ affected_count }} accounts are restored so far "
        "({{ share_restored }}).\n\n" + _OWN_STATE,
    ),
    (
        "incident",
        "update",
        "Nothing new yet",
        (
            "There is nothing new to report yet. The work goes on, and you hear from us again at the time "
            "that stands below."
        ),
    ),
    (
        "incident",
        "monitoring",
        "Mended, and watched",
        "What was wrong is mended, and we keep watching. {{ restored_count }} of {{ affected_count }} accounts "
        "are restored ({{ share_restored }}).\n\n" + _OWN_STATE,
    ),
    (
        "incident",
        "resolved",
        "Over for everyone",
        (
            "All {{ affected_count }} accounts are restored. Yours was back {{ your_restored_at }}, "
            "{{ your_duration }} after we first saw it affected.\n\n"
            "We are sorry. You can ask for the post-mortem on this page."
        ),
    ),
    (
        "incident",
        "reopened",
        "Not over after all",
        "It is not over: ‹what came back, in one sentence›. {{ open_count }} of {{ affected_count }} accounts "
        "are not restored.\n\n" + _OWN_STATE,
    ),
    (
        "incident",
        "correction",
        "Put right",
        (
            "An earlier update was wrong in one point: ‹what was said›. Right is: ‹what is so›. The earlier text "
            "stays as it was published."
        ),
    ),
    (
        "maintenance",
        "update",
        "What to expect",
        (
            "In the window above we ‹what is done, in one sentence›. Expect ‹what clients notice›. "
            "‹What they need to do, or: nobody needs to do anything›."
        ),
    ),
    (
        "maintenance",
        "update",
        "It takes longer",
        "The work takes longer than planned, because ‹why, in one sentence›. We expect to be done ‹when›.",
    ),
    (
        "maintenance",
        "resolved",
        "Done",
        "The work is done. If anything looks odd to you, tell us on this page.",
    ),
)


def _fill(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    create_permissions(installed.get_app_config("incidents"), verbosity=0, using=alias, apps=apps)
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    groups = apps.get_model("auth", "Group")
    rights = groups.permissions.through
    # Row security shows the owner no rows, so they are written as staff.
    schema_editor.execute(f"set local role {rls.STAFF}", params=None)
    for name, codenames in _GROUPS.items():
        wanted = permissions.filter(content_type__app_label="incidents", codename__in=codenames.split())
        rights.objects.using(alias).bulk_create(
            [
                rights(group_id=group.pk, permission_id=permission.pk)
                for group in groups.objects.using(alias).filter(name=name)
                for permission in wanted
            ],
            ignore_conflicts=True,
        )
    template = apps.get_model("incidents", "UpdateTemplate")
    template.objects.using(alias).bulk_create(
        template(incident_kind=incident_kind, kind=kind, name=name, body_markdown=text)
        for incident_kind, kind, name, text in _TEMPLATES
    )
    schema_editor.execute(f"set local role {rls.OWNER}", params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0009_incident_course"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="UpdateTemplate",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=tenants.models.base.UuidV7(),
                        default=uuid6.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="What staff choose it by: “First word, cause unknown”.", max_length=80
                    ),
                ),
                ("incident_kind", models.CharField(default="incident", max_length=32, verbose_name="for")),
                ("kind", models.CharField(max_length=32, verbose_name="phase")),
                (
                    "body_markdown",
                    models.TextField(
                        help_text="May hold fields and blocks, as an update may.",
                        max_length=20000,
                        verbose_name="text (Markdown)",
                    ),
                ),
            ],
            options={
                "verbose_name": "update template",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("incident_kind", "kind", "name"), name="update_template_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("incident_kind__in", ["incident", "maintenance"])),
                        name="update_template_incident_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", _KINDS)), name="update_template_kind"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WaitingUpdate",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=tenants.models.base.UuidV7(),
                        default=uuid6.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("form_key", models.UUIDField(unique=True)),
                ("state", models.CharField(max_length=32)),
                ("kind", models.CharField(max_length=32)),
                ("audience", models.CharField(max_length=32)),
                (
                    "component_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), default=list, size=None
                    ),
                ),
                (
                    "data_center_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), default=list, size=None
                    ),
                ),
                (
                    "company_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), default=list, size=None
                    ),
                ),
                ("body_markdown", models.TextField(max_length=20000)),
                ("next_update_at", models.DateTimeField(null=True)),
                ("override_reason", models.TextField(blank=True, max_length=2000)),
                ("contradicted", models.CharField(blank=True, max_length=32)),
                ("zone", models.CharField(max_length=64)),
                ("written_at", models.DateTimeField()),
                ("due_at", models.DateTimeField(null=True)),
                ("settled_at", models.DateTimeField(null=True)),
                ("reason", models.TextField(blank=True, max_length=2000)),
                (
                    "approved_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "corrects",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="incidents.update",
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="waiting_updates",
                        to="incidents.incident",
                    ),
                ),
            ],
            options={
                "verbose_name": "waiting update",
                "permissions": [("approve_update", "Can approve another's update of a critical incident")],
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")), fields=["due_at"], name="waiting_update_due"
                    ),
                    models.Index(
                        condition=models.Q(("state__in", ("awaiting", "waiting", "sent_back", "stopped"))),
                        fields=["written_at"],
                        name="waiting_update_open",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", _STATES)), name="waiting_update_state"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", _KINDS)), name="waiting_update_kind"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("audience__in", _AUDIENCES)), name="waiting_update_audience"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "waiting"), _negated=True),
                            ("due_at__isnull", False),
                            _connector="OR",
                        ),
                        name="waiting_update_is_due",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("approved_by__isnull", True),
                            models.Q(("approved_by", models.F("author")), _negated=True),
                            _connector="OR",
                        ),
                        name="waiting_update_second_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ["sent_back", "stopped"]), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="waiting_update_says_why",
                    ),
                ],
            },
        ),
        rls.Protect("incidents_updatetemplate", rls.staff_only()),
        rls.Protect("incidents_waitingupdate", rls.staff_only(staff="select insert update")),
        migrations.RunPython(_fill, migrations.RunPython.noop),
    ]
