"""Requests for post-mortems in full: who gets the report, questions both ways, what staff keep of them."""

from typing import Any

import django.db.models.deletion
import tenants.models.base
import uuid6
from django.apps import apps as installed
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

from tenants import rls

_ANYBODY = "view_answertemplate"
_WRITERS = f"{_ANYBODY} add_answertemplate change_answertemplate delete_answertemplate"
_GROUPS = {
    "Support": _ANYBODY,
    "Incident manager": _WRITERS,
    "Publisher": _WRITERS,
    "Administrator": _ANYBODY,
}


_IS_COLLEAGUE = "= any (array(select colleague.user_id from tenants_membership colleague))"


def _automatic(published: str = "") -> str:
    report = f" and visible.published_report = '{published}'" if published else ""
    return (
        "incident_id = any (array(select visible.id from incidents_incident visible "  # noqa: S608 - constants
        f"where visible.request_policy = 'automatic'{report}))"
    )


_REQUEST_BEFORE = rls.company_owned(
    client="select insert",
    client_inserts=f"""requested_by_id = {rls.CURRENT_USER} and decline_reason = '' and (
    (state = 'requested' and answered_at is null)
    or (state = 'accepted' and {_automatic()})
)""",
    staff="select insert update",
)
_REQUEST = rls.company_owned(
    client="select insert update",
    client_columns=(("update", ("state", "withdrawn_at", "withdrawn_by_id", "withdrawn_by_name")),),
    client_inserts=f"""requested_by_id = {rls.CURRENT_USER} and decline_reason = ''
and withdrawn_at is null and withdrawn_by_id is null and (
    (state = 'requested' and answered_at is null)
    or (state = 'accepted' and {_automatic()})
    or (state = 'preliminary_delivered' and {_automatic("preliminary")})
    or (state = 'final_delivered' and {_automatic("final")})
)""",
    client_updates=(
        "state = any (array['requested', 'accepted'])",
        f"state = 'withdrawn' and withdrawn_at is not null and withdrawn_by_id = {rls.CURRENT_USER}",
    ),
    staff="select insert update",
)
_RECIPIENT = rls.company_owned(
    client="select insert delete",
    client_inserts=f"added_by_id = {rls.CURRENT_USER} and person_id {_IS_COLLEAGUE}",
    staff="select insert",
)
_QUESTION = rls.company_owned(
    client="select insert update",
    client_columns=(
        (
            "select",
            (
                *("id", "company_id", "request_id", "from_vendor", "number", "text"),
                *("asked_at", "asked_by_name", "answer", "answered_at", "answered_by_name"),
            ),
        ),
        ("update", ("answer", "answered_at", "answered_by_id", "answered_by_name")),
    ),
    client_inserts=f"asked_by_id = {rls.CURRENT_USER} and not from_vendor and answer = '' "
    "and answered_at is null and answered_by_id is null",
    client_updates=(
        "from_vendor and answered_at is null",
        f"from_vendor and answered_at is not null and answered_by_id = {rls.CURRENT_USER}",
    ),
    staff="select insert update",
)


def _person(**of_client: Any) -> rls.Access:
    return rls.identity(
        visitor="select update",
        visitor_columns=(("update", ("password", "last_login")),),
        visitor_rows=f"{rls.MAY_BECOME_STAFF} or not is_staff",
        **of_client,
    )


_COLLEAGUE = _person(
    client="select",
    client_columns=(("select", ("id", "name", "is_active")),),
    client_rows=f"id {_IS_COLLEAGUE}",
)


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
        permission__content_type__app_label="incidents", permission__content_type__model="answertemplate"
    ).delete()
    _become(schema_editor, rls.OWNER)


def _become(schema_editor: Any, role: str) -> None:
    """Row security shows the owner no rows, so groups are written as staff."""
    schema_editor.execute(f"set local role {role}", params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0011_row_history"),
        ("tenants", "0007_row_history"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="postmortemrequest",
            name="post_mortem_request_once",
        ),
        migrations.RemoveConstraint(
            model_name="postmortemrequest",
            name="post_mortem_request_state",
        ),
        migrations.AddField(
            model_name="incident",
            name="published_report",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                max_length=32,
                verbose_name="post-mortem",
            ),
        ),
        migrations.AddField(
            model_name="postmortemrequest",
            name="final_delivered_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="postmortemrequest",
            name="preliminary_delivered_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="postmortemrequest",
            name="withdrawn_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="postmortemrequest",
            name="withdrawn_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="postmortemrequest",
            name="withdrawn_by_name",
            field=models.CharField(blank=True, db_default="", default="", max_length=120),
        ),
        migrations.AddIndex(
            model_name="postmortemrequest",
            index=models.Index(fields=["incident", "state"], name="post_mortem_request_served"),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(("published_report__in", ["", "preliminary", "final"])),
                name="incident_published_report",
            ),
        ),
        migrations.AddConstraint(
            model_name="postmortemrequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "withdrawn"), _negated=True),
                fields=("company", "incident"),
                name="post_mortem_request_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="postmortemrequest",
            constraint=models.UniqueConstraint(
                fields=("company", "id"), name="post_mortem_request_of_company"
            ),
        ),
        migrations.AddConstraint(
            model_name="postmortemrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "requested",
                            "accepted",
                            "declined",
                            "preliminary_delivered",
                            "final_delivered",
                            "withdrawn",
                        ],
                    )
                ),
                name="post_mortem_request_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="postmortemrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "withdrawn"), _negated=True),
                    ("withdrawn_at__isnull", False),
                    _connector="OR",
                ),
                name="post_mortem_request_withdrawn_when",
            ),
        ),
        migrations.CreateModel(
            name="AnswerTemplate",
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
                ("name", models.CharField(help_text="What staff choose it by.", max_length=120, unique=True)),
                ("text", models.TextField(help_text="Clients read this as it is.", max_length=2000)),
            ],
            options={
                "verbose_name": "answer template",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="RequestRecipient",
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
                ("person_name", models.CharField(max_length=120)),
                ("added_at", models.DateTimeField()),
                (
                    "added_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
                    "person",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="recipients",
                        to="incidents.postmortemrequest",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "default_permissions": (),
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("company", "request", "person"), name="request_recipient_once"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RequestQuestion",
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
                ("from_vendor", models.BooleanField(default=False)),
                ("number", models.PositiveSmallIntegerField()),
                ("text", models.TextField(max_length=1000)),
                ("asked_at", models.DateTimeField()),
                ("asked_by_name", models.CharField(blank=True, max_length=120)),
                ("answer", models.TextField(blank=True, max_length=4000)),
                ("answered_at", models.DateTimeField(null=True)),
                ("answered_by_name", models.CharField(blank=True, max_length=120)),
                (
                    "answered_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
                    "request",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="questions",
                        to="incidents.postmortemrequest",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "default_permissions": (),
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("company", "request", "from_vendor", "number"), name="request_question_number"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("from_vendor", False), ("number__gte", 1), ("number__lte", 5)),
                            models.Q(("from_vendor", True), ("number__gte", 1), ("number__lte", 20)),
                            _connector="OR",
                        ),
                        name="request_question_not_endless",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("text", ""), _negated=True), name="request_question_has_text"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answer", ""), ("answered_at__isnull", True)),
                            models.Q(
                                models.Q(("answered_at__isnull", False)),
                                models.Q(("answer", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="request_question_answered_when_answered",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RequestDesk",
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
                ("note", models.TextField(blank=True, max_length=4000)),
                (
                    "assignee",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
                    "request",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="desk",
                        to="incidents.postmortemrequest",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "default_permissions": (),
                "base_manager_name": "objects",
            },
        ),
        rls.Protect("incidents_postmortemrequest", _REQUEST, before=_REQUEST_BEFORE),
        rls.Protect("incidents_requestrecipient", _RECIPIENT),
        rls.Protect("incidents_requestquestion", _QUESTION),
        rls.Protect("incidents_requestdesk", rls.company_owned(client="", staff="select insert update")),
        rls.Protect("incidents_answertemplate", rls.staff_only()),
        rls.Protect("tenants_user", _COLLEAGUE, before=_person()),
        rls.TieToCompany(
            "incidents_requestrecipient", "incidents_postmortemrequest", "request_id", to_column="id"
        ),
        rls.TieToCompany(
            "incidents_requestquestion", "incidents_postmortemrequest", "request_id", to_column="id"
        ),
        rls.TieToCompany(
            "incidents_requestdesk", "incidents_postmortemrequest", "request_id", to_column="id"
        ),
        migrations.RunPython(_allow, _forbid),
    ]
