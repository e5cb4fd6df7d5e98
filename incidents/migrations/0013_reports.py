"""Reports, their versions and corrective actions."""

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

_HELD = (
    "incident_id = any (array(select own.incident_id from incidents_postmortemrequest own "
    "where own.state = 'accepted' or own.state = 'preliminary_delivered' or own.state = 'final_delivered'))"
)
_PROMISED = "action_id = any (array(select readable.id from incidents_correctiveaction readable))"
_TOUCHED = f"""{_PROMISED} and (again_id is null or again_id = any (array(
    select later.id from incidents_incident later)))"""  # noqa: S608 - constants of the row policies
_OWN_READING = f"""user_id = {rls.CURRENT_USER} and version_id = any (array(
    select readable.id from incidents_postmortemversion readable))"""  # noqa: S608
_OWN_FOLLOW = f"""user_id = {rls.CURRENT_USER} and incident_id = any (array(
    select readable.incident_id from incidents_postmortemversion readable))
    and (action_id is null or {_PROMISED})"""  # noqa: S608
_READ = "view_postmortem view_postmortemversion view_correctiveaction "
_WRITE = "add_postmortem change_postmortem add_correctiveaction change_correctiveaction "
_GROUPS = {"Support": _READ, "Incident manager": _READ, "Publisher": _READ + _WRITE, "Administrator": _READ}
_MODELS = ("postmortem", "postmortemversion", "correctiveaction")


def _allow(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    # Otherwise made only after the last migration, when it is too late for a group.
    create_permissions(installed.get_app_config("incidents"), verbosity=0, using=alias, apps=apps)
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    groups = apps.get_model("auth", "Group")
    rights = groups.permissions.through.objects.using(alias)
    _become(schema_editor, rls.STAFF)
    for name, codenames in _GROUPS.items():
        for group in groups.objects.using(alias).filter(name=name):
            wanted = permissions.filter(
                content_type__app_label="incidents", codename__in=codenames.split()
            ).values_list("pk", flat=True)
            rights.bulk_create(
                [rights.model(group_id=group.pk, permission_id=each) for each in wanted],
                ignore_conflicts=True,
            )
    _become(schema_editor, rls.OWNER)


def _forbid(apps: Any, schema_editor: Any) -> None:
    rights = apps.get_model("auth", "Group").permissions.through.objects.using(schema_editor.connection.alias)
    _become(schema_editor, rls.STAFF)
    rights.filter(
        permission__content_type__app_label="incidents", permission__content_type__model__in=_MODELS
    ).delete()
    _become(schema_editor, rls.OWNER)


def _become(schema_editor: Any, role: str) -> None:
    """Row security shows the owner no rows, so groups are written as staff."""
    schema_editor.execute(f"set local role {role}", params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0012_requests"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CorrectiveAction",
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
                ("number", models.PositiveSmallIntegerField()),
                ("title", models.CharField(max_length=160)),
                ("text", models.TextField(blank=True, max_length=5000)),
                (
                    "owner",
                    models.CharField(
                        help_text="Who sees to it: a team or a role. Clients read it.", max_length=120
                    ),
                ),
                ("due_on", models.DateField(blank=True, null=True, verbose_name="due")),
                ("state", models.CharField(default="open", max_length=32)),
                ("note", models.TextField(blank=True, max_length=2000)),
                ("changed_at", models.DateTimeField()),
                ("published_at", models.DateTimeField(editable=False, null=True)),
                (
                    "incident",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="corrective_actions",
                        to="incidents.incident",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="ActionFollow",
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
                ("followed_at", models.DateTimeField()),
                (
                    "company",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.company",
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="incidents.incident",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "action",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="incidents.correctiveaction",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="ActionChange",
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
                ("kind", models.CharField(max_length=32)),
                ("state", models.CharField(max_length=32)),
                ("due_on", models.DateField(null=True)),
                ("note", models.TextField(blank=True, max_length=2000)),
                ("at", models.DateTimeField()),
                (
                    "again",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="incidents.incident",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="incidents.incident",
                    ),
                ),
                (
                    "action",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="incidents.correctiveaction",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="PostMortem",
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
                ("state", models.CharField(default="draft", max_length=32)),
                ("zone", models.CharField(default="UTC", max_length=64)),
                ("summary", models.TextField(blank=True, max_length=200000)),
                ("timeline", models.TextField(blank=True, max_length=200000)),
                ("root_cause", models.TextField(blank=True, max_length=200000)),
                ("contributing_causes", models.TextField(blank=True, max_length=200000)),
                ("comes_next", models.TextField(blank=True, max_length=200000)),
                ("acknowledged", models.JSONField(default=dict)),
                ("saved_count", models.PositiveIntegerField(default=0)),
                ("saved_at", models.DateTimeField()),
                (
                    "written_by_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), default=list, size=None
                    ),
                ),
                ("review_note", models.TextField(blank=True, max_length=2000)),
                (
                    "incident",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="post_mortem",
                        to="incidents.incident",
                    ),
                ),
                (
                    "reviewed_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "saved_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "post-mortem",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="PostMortemVersion",
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
                ("number", models.PositiveSmallIntegerField()),
                ("kind", models.CharField(max_length=32)),
                ("content", models.JSONField()),
                ("facts", models.JSONField()),
                ("record_version", models.PositiveIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("change_note", models.TextField(blank=True, max_length=2000)),
                ("published_at", models.DateTimeField()),
                (
                    "incident",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="post_mortem_versions",
                        to="incidents.incident",
                    ),
                ),
                (
                    "published_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "reviewed_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "post-mortem version",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="PostMortemAnnex",
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
                ("state", models.CharField(max_length=32)),
                ("impacted_at", models.DateTimeField(null=True)),
                ("restored_at", models.DateTimeField(null=True)),
                ("outage_seconds", models.PositiveIntegerField()),
                ("degraded_seconds", models.PositiveIntegerField()),
                ("rank", models.PositiveIntegerField(null=True)),
                ("percentile", models.FloatField(null=True)),
                ("in_tail", models.BooleanField(null=True)),
                ("is_final", models.BooleanField()),
                ("timeline", models.JSONField(default=list)),
                (
                    "company",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.company",
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="incidents.incident",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="annexes",
                        to="incidents.postmortemversion",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "post-mortem annexes",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="ReportReading",
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
                ("user_name", models.CharField(max_length=120)),
                ("read_at", models.DateTimeField()),
                (
                    "company",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.company",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="incidents.postmortemversion",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.AddConstraint(
            model_name="correctiveaction",
            constraint=models.UniqueConstraint(
                fields=("incident", "number"), name="corrective_action_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="correctiveaction",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["open", "in_progress", "done", "dropped"])),
                name="corrective_action_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="correctiveaction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["done", "dropped"]), _negated=True),
                    models.Q(("note", ""), _negated=True),
                    _connector="OR",
                ),
                name="corrective_action_over_says_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="actionfollow",
            constraint=models.UniqueConstraint(
                fields=("company", "incident", "user", "action"),
                name="action_follow_once",
                nulls_distinct=False,
            ),
        ),
        migrations.AddIndex(
            model_name="actionchange",
            index=models.Index(fields=["incident", "at"], name="action_change_of_incident"),
        ),
        migrations.AddConstraint(
            model_name="actionchange",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["promised", "state", "due", "again"])),
                name="action_change_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="actionchange",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["open", "in_progress", "done", "dropped"])),
                name="action_change_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="actionchange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("again__isnull", False), ("kind", "again")),
                    models.Q(models.Q(("kind", "again"), _negated=True), ("again__isnull", True)),
                    _connector="OR",
                ),
                name="action_change_again_names_incident",
            ),
        ),
        migrations.AddConstraint(
            model_name="actionchange",
            constraint=models.UniqueConstraint(fields=("action", "again"), name="action_change_again_once"),
        ),
        migrations.AddConstraint(
            model_name="postmortem",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["draft", "in_review", "reviewed"])),
                name="post_mortem_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="postmortem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "reviewed"), _negated=True),
                    ("reviewed_by__isnull", False),
                    _connector="OR",
                ),
                name="post_mortem_reviewed_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="postmortemversion",
            constraint=models.UniqueConstraint(
                fields=("incident", "number"), name="post_mortem_version_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="postmortemversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["preliminary", "final", "revision"])),
                name="post_mortem_version_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="postmortemversion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "revision"), _negated=True),
                fields=("incident", "kind"),
                name="post_mortem_version_once_of_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="postmortemannex",
            constraint=models.UniqueConstraint(fields=("company", "version"), name="post_mortem_annex_once"),
        ),
        migrations.AddConstraint(
            model_name="postmortemannex",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["unknown", "outage", "degraded", "restored"])),
                name="post_mortem_annex_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="reportreading",
            constraint=models.UniqueConstraint(
                fields=("company", "version", "user"), name="report_reading_once"
            ),
        ),
        rls.Protect("incidents_postmortem", rls.staff_only("select insert update")),
        rls.Protect(
            "incidents_postmortemversion",
            rls.published(
                _HELD,
                columns=(
                    *("id", "incident_id", "number", "kind", "content", "facts", "record_version"),
                    *("sha256", "change_note", "published_at"),
                ),
                staff="select insert",
            ),
        ),
        rls.Protect("incidents_postmortemannex", rls.company_owned(staff="select insert")),
        rls.TieToCompany("incidents_postmortemannex", "incidents_recovery", "incident_id"),
        rls.Protect("incidents_correctiveaction", rls.published(f"published_at is not null and {_HELD}")),
        rls.Protect(
            "incidents_actionchange",
            rls.published(
                _TOUCHED,
                columns=(
                    "id",
                    "incident_id",
                    "action_id",
                    "kind",
                    "state",
                    "due_on",
                    "note",
                    "again_id",
                    "at",
                ),
                staff="select insert",
            ),
        ),
        rls.Protect(
            "incidents_reportreading",
            rls.company_owned(
                client="select insert",
                client_inserts=_OWN_READING,
                staff="select",
            ),
        ),
        rls.Protect(
            "incidents_actionfollow",
            rls.company_owned(
                client="select insert delete",
                client_inserts=_OWN_FOLLOW,
                client_deletes=f"user_id = {rls.CURRENT_USER}",
                staff="select",
            ),
        ),
        migrations.RunPython(_allow, _forbid),
    ]
