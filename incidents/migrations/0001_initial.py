"""Catalogue, incidents, recoveries and requests for post-mortems."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import incidents.models.incident
import tenants.models.base
import uuid6
from django.conf import settings
from django.db import migrations, models

from tenants import rls


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("tenants", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Component",
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
                ("name", models.CharField(max_length=160, unique=True, verbose_name="public name")),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="DataCenter",
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
                    "code",
                    models.CharField(help_text="As in component names: EU, NA.", max_length=16, unique=True),
                ),
                ("name", models.CharField(max_length=120)),
                ("position", models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                "verbose_name": "data center",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Service",
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
                ("name", models.CharField(max_length=120, unique=True)),
                ("position", models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="AffectedComponent",
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
                    "component",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="incidents.component",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.AddField(
            model_name="component",
            name="data_center",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="components",
                to="incidents.datacenter",
            ),
        ),
        migrations.CreateModel(
            name="Incident",
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
                    "reference",
                    models.CharField(
                        default=incidents.models.incident.new_reference,
                        editable=False,
                        max_length=16,
                        unique=True,
                    ),
                ),
                ("title", models.CharField(max_length=160)),
                ("kind", models.CharField(default="incident", max_length=32)),
                ("severity", models.CharField(default="major", max_length=32)),
                ("state", models.CharField(default="investigating", max_length=32)),
                (
                    "started_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        help_text="First impact; planned start of a maintenance.",
                        verbose_name="start",
                    ),
                ),
                ("detected_at", models.DateTimeField(blank=True, null=True, verbose_name="detected")),
                (
                    "planned_end_at",
                    models.DateTimeField(
                        blank=True, help_text="Maintenance only.", null=True, verbose_name="planned end"
                    ),
                ),
                ("resolved_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("published_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("next_update_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "tail_percent",
                    models.PositiveSmallIntegerField(
                        default=5,
                        help_text="The last so many percent of the companies to recover are the tail.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(50),
                        ],
                    ),
                ),
                ("roster_policy", models.CharField(default="names", max_length=32)),
                (
                    "request_policy",
                    models.CharField(default="approval", max_length=32, verbose_name="post-mortem requests"),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "components",
                    models.ManyToManyField(
                        related_name="incidents",
                        through="incidents.AffectedComponent",
                        to="incidents.component",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Cohort",
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
                ("affected_count", models.PositiveIntegerField()),
                ("restored_count", models.PositiveIntegerField()),
                ("tail_percent", models.PositiveSmallIntegerField()),
                ("tail_count", models.PositiveIntegerField(null=True)),
                ("restored_half_at", models.DateTimeField(null=True)),
                ("restored_share_at", models.DateTimeField(null=True)),
                ("all_restored_at", models.DateTimeField(null=True)),
                ("curve", models.JSONField(default=list)),
                ("is_final", models.BooleanField(default=False)),
                ("computed_at", models.DateTimeField()),
                (
                    "incident",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cohort",
                        to="incidents.incident",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.AddField(
            model_name="affectedcomponent",
            name="incident",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="affected_components",
                to="incidents.incident",
            ),
        ),
        migrations.CreateModel(
            name="Placement",
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
                    "company",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.company",
                    ),
                ),
                (
                    "component",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="placements",
                        to="incidents.component",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="PostMortemRequest",
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
                ("state", models.CharField(default="requested", max_length=32)),
                ("requested_by_name", models.CharField(max_length=120)),
                ("purpose", models.TextField(max_length=2000)),
                ("needed_by_on", models.DateField(blank=True, null=True)),
                ("requested_at", models.DateTimeField()),
                ("answer_due_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                ("preliminary_due_at", models.DateTimeField(blank=True, null=True)),
                ("final_due_at", models.DateTimeField(blank=True, null=True)),
                ("decline_reason", models.TextField(blank=True, max_length=2000)),
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
                        related_name="requests",
                        to="incidents.incident",
                    ),
                ),
                (
                    "requested_by",
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
                "verbose_name": "post-mortem request",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Recovery",
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
                ("state", models.CharField(default="unknown", max_length=32)),
                ("impacted_at", models.DateTimeField(null=True)),
                ("restored_at", models.DateTimeField(null=True)),
                ("outage_seconds", models.PositiveIntegerField(default=0)),
                ("degraded_seconds", models.PositiveIntegerField(default=0)),
                ("measured_at", models.DateTimeField()),
                ("rank", models.PositiveIntegerField(null=True)),
                ("percentile", models.FloatField(null=True)),
                ("in_tail", models.BooleanField(null=True)),
                ("is_final", models.BooleanField(default=False)),
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
                        related_name="recoveries",
                        to="incidents.incident",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "recoveries",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="AffectedPlacement",
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
                    "company",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.company",
                    ),
                ),
                (
                    "component",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="incidents.component",
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
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="RecoveryEntry",
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
                ("at", models.DateTimeField()),
                ("source", models.CharField(max_length=32)),
                ("recorded_at", models.DateTimeField()),
                ("idempotency_key", models.CharField(max_length=128)),
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
                    "component",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="incidents.component",
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="incidents.incident",
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "supersedes",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="incidents.recoveryentry",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "recovery entries",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="RosterEntry",
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
                ("name", models.CharField(max_length=120)),
                ("restored_at", models.DateTimeField(null=True)),
                (
                    "company",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.company",
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="roster",
                        to="incidents.incident",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "roster entries",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.AddField(
            model_name="component",
            name="service",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="components", to="incidents.service"
            ),
        ),
        migrations.CreateModel(
            name="Update",
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
                ("audience", models.CharField(default="everyone", max_length=32)),
                ("body_markdown", models.TextField(max_length=20000, verbose_name="text (Markdown)")),
                ("body_html", models.TextField(editable=False)),
                ("published_at", models.DateTimeField()),
                (
                    "next_update_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="next update promised for"),
                ),
                ("override_reason", models.TextField(blank=True, max_length=2000)),
                (
                    "author",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "corrects",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="incidents.update",
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="updates",
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
            name="Claim",
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
                (
                    "source",
                    models.CharField(
                        help_text="Where it was said: “Header of the status page”.", max_length=120
                    ),
                ),
                ("claimed_at", models.DateTimeField(blank=True, null=True, verbose_name="claimed instant")),
                (
                    "claimed_seconds",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="claimed length in seconds"
                    ),
                ),
                (
                    "claimed_percent",
                    models.DecimalField(
                        blank=True,
                        decimal_places=3,
                        max_digits=6,
                        null=True,
                        verbose_name="claimed share in percent",
                    ),
                ),
                ("posted_at", models.DateTimeField(blank=True, null=True, verbose_name="said at")),
                (
                    "incident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="claims",
                        to="incidents.incident",
                    ),
                ),
                (
                    "update",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="incidents.update",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.AddIndex(
            model_name="incident",
            index=models.Index(fields=["-started_at"], name="incident_newest"),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["incident", "maintenance"])), name="incident_kind"
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(("severity__in", ["minor", "major", "critical"])), name="incident_severity"
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "investigating",
                            "identified",
                            "monitoring",
                            "resolved",
                            "scheduled",
                            "in_progress",
                            "verifying",
                            "completed",
                        ],
                    )
                ),
                name="incident_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(("roster_policy__in", ["hidden", "counts", "names"])),
                name="incident_roster_policy",
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(("request_policy__in", ["approval", "automatic", "closed"])),
                name="incident_request_policy",
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(("tail_percent__gte", 1), ("tail_percent__lte", 50)),
                name="incident_tail_percent",
            ),
        ),
        migrations.AddConstraint(
            model_name="affectedcomponent",
            constraint=models.UniqueConstraint(
                fields=("incident", "component"), name="affected_component_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="placement",
            constraint=models.UniqueConstraint(fields=("company", "component"), name="placement_once"),
        ),
        migrations.AddIndex(
            model_name="postmortemrequest",
            index=models.Index(fields=["state", "answer_due_at"], name="post_mortem_request_queue"),
        ),
        migrations.AddConstraint(
            model_name="postmortemrequest",
            constraint=models.UniqueConstraint(
                fields=("company", "incident"), name="post_mortem_request_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="postmortemrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        ["requested", "accepted", "declined", "preliminary_delivered", "final_delivered"],
                    )
                ),
                name="post_mortem_request_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="postmortemrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "declined"), _negated=True),
                    models.Q(("decline_reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="post_mortem_request_decline_has_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="recovery",
            index=models.Index(fields=["incident", "restored_at"], name="recovery_order"),
        ),
        migrations.AddIndex(
            model_name="recovery",
            index=models.Index(
                condition=models.Q(("state", "restored"), _negated=True),
                fields=["incident", "company"],
                name="recovery_open",
            ),
        ),
        migrations.AddIndex(
            model_name="recovery",
            index=models.Index(
                condition=models.Q(("in_tail", True)), fields=["incident"], name="recovery_tail"
            ),
        ),
        migrations.AddConstraint(
            model_name="recovery",
            constraint=models.UniqueConstraint(fields=("company", "incident"), name="recovery_once"),
        ),
        migrations.AddConstraint(
            model_name="recovery",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["unknown", "outage", "degraded", "restored"])),
                name="recovery_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="recovery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("restored_at__isnull", False), ("state", "restored")),
                    models.Q(models.Q(("state", "restored"), _negated=True), ("restored_at__isnull", True)),
                    _connector="OR",
                ),
                name="recovery_restored_when_restored",
            ),
        ),
        migrations.AddIndex(
            model_name="affectedplacement",
            index=models.Index(fields=["incident", "company"], name="placement_of_incident"),
        ),
        migrations.AddConstraint(
            model_name="affectedplacement",
            constraint=models.UniqueConstraint(
                fields=("company", "incident", "component"), name="affected_placement_once"
            ),
        ),
        migrations.AddIndex(
            model_name="recoveryentry",
            index=models.Index(fields=["company", "incident", "at"], name="entry_of_company"),
        ),
        migrations.AddIndex(
            model_name="recoveryentry",
            index=models.Index(fields=["incident", "company"], name="entry_of_incident"),
        ),
        migrations.AddConstraint(
            model_name="recoveryentry",
            constraint=models.UniqueConstraint(
                fields=("company", "idempotency_key"), name="recovery_entry_idempotent"
            ),
        ),
        migrations.AddConstraint(
            model_name="recoveryentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["unknown", "outage", "degraded", "restored"])),
                name="recovery_entry_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="recoveryentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("source__in", ["staff", "import", "ops", "client", "demo"])),
                name="recovery_entry_source",
            ),
        ),
        migrations.AddConstraint(
            model_name="rosterentry",
            constraint=models.UniqueConstraint(fields=("company", "incident"), name="roster_entry_once"),
        ),
        migrations.AddConstraint(
            model_name="component",
            constraint=models.UniqueConstraint(fields=("service", "data_center"), name="component_once"),
        ),
        migrations.AddIndex(
            model_name="update",
            index=models.Index(fields=["incident", "-published_at"], name="update_of_incident"),
        ),
        migrations.AddConstraint(
            model_name="update",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "investigating",
                            "identified",
                            "update",
                            "monitoring",
                            "resolved",
                            "reopened",
                            "correction",
                            "post_mortem",
                        ],
                    )
                ),
                name="update_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="update",
            constraint=models.CheckConstraint(
                condition=models.Q(("audience__in", ["everyone", "staff"])), name="update_audience"
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["started_at", "restored_at", "total_duration", "restored_share"])
                ),
                name="claim_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("claimed_at__isnull", False), ("kind__in", ["started_at", "restored_at"])),
                    models.Q(("claimed_seconds__isnull", False), ("kind", "total_duration")),
                    models.Q(
                        ("claimed_percent__isnull", False),
                        ("kind", "restored_share"),
                        ("posted_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="claim_value_fits_kind",
            ),
        ),
        rls.Protect("incidents_placement", rls.company_owned()),
        rls.Protect(
            "incidents_component",
            rls.published(
                "id = any (array(select placed.component_id from incidents_placement placed)) "
                "or id = any (array(select touched.component_id from incidents_affectedcomponent touched))"
            ),
        ),
        rls.Protect(
            "incidents_datacenter",
            rls.published("id = any (array(select visible.data_center_id from incidents_component visible))"),
        ),
        rls.Protect(
            "incidents_service",
            rls.published("id = any (array(select visible.service_id from incidents_component visible))"),
        ),
        rls.Protect(
            "incidents_incident",
            rls.published(f"published_at is not null and {rls.of_own_incidents('id')}"),
        ),
        rls.Protect("incidents_affectedcomponent", rls.published(rls.of_own_incidents())),
        rls.Protect(
            "incidents_update",
            rls.published(
                f"audience = 'everyone' and {rls.of_own_incidents()}",
                columns=(
                    "id",
                    "incident_id",
                    "kind",
                    "audience",
                    "body_html",
                    "published_at",
                    "next_update_at",
                    "corrects_id",
                ),
                staff="select insert",
            ),
        ),
        rls.Protect("incidents_claim", rls.published(rls.of_own_incidents())),
        rls.Protect("incidents_recovery", rls.company_owned()),
        rls.Protect("incidents_affectedplacement", rls.company_owned(staff="select insert")),
        rls.TieToCompany("incidents_affectedplacement", "incidents_recovery", "incident_id"),
        rls.Protect("incidents_recoveryentry", rls.company_owned(staff="select insert")),
        rls.TieToCompany("incidents_recoveryentry", "incidents_recovery", "incident_id"),
        rls.Protect("incidents_cohort", rls.published(rls.of_own_incidents())),
        rls.Protect(
            "incidents_rosterentry",
            rls.published(rls.of_own_incidents(), columns=("id", "incident_id", "name", "restored_at")),
        ),
        rls.TieToCompany("incidents_rosterentry", "incidents_recovery", "incident_id"),
        rls.Protect(
            "incidents_postmortemrequest",
            rls.company_owned(client="select insert", staff="select insert update"),
        ),
        rls.TieToCompany("incidents_postmortemrequest", "incidents_recovery", "incident_id"),
    ]
