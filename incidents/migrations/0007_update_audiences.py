"""Whom an update is for, the wordings of a text with blocks, and what its author acknowledged."""

import django.db.models.deletion
import uuid6
from django.db import migrations, models

import tenants.models.base
from tenants import rls

_OWN = "incident_id = any (array(select own.incident_id from incidents_recovery own))"
_COLUMNS = (
    *("id", "incident_id", "kind", "audience", "body_html", "published_at", "next_update_at", "corrects_id"),
)
_AUDIENCES = ("everyone", "components", "data_centers", "not_restored", "tail", "companies", "staff")


class Migration(migrations.Migration):
    dependencies = [("incidents", "0006_recovery_import")]

    operations = [
        migrations.AddField(
            model_name="update",
            name="acknowledged",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.RemoveConstraint(model_name="update", name="update_audience"),
        migrations.AddConstraint(
            model_name="update",
            constraint=models.CheckConstraint(
                condition=models.Q(("audience__in", list(_AUDIENCES))), name="update_audience"
            ),
        ),
        migrations.CreateModel(
            name="UpdateReader",
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
                    "incident",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="incidents.incident",
                    ),
                ),
                (
                    "update",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="readers",
                        to="incidents.update",
                    ),
                ),
            ],
            options={"abstract": False, "base_manager_name": "objects"},
        ),
        migrations.CreateModel(
            name="UpdateWording",
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
                ("reader_state", models.CharField(max_length=32)),
                ("body_html", models.TextField()),
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
                    "update",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="wordings",
                        to="incidents.update",
                    ),
                ),
            ],
            options={"abstract": False, "base_manager_name": "objects"},
        ),
        migrations.AddConstraint(
            model_name="updatereader",
            constraint=models.UniqueConstraint(fields=["company", "update"], name="update_reader_once"),
        ),
        migrations.AddConstraint(
            model_name="updatewording",
            constraint=models.UniqueConstraint(fields=["update", "reader_state"], name="update_wording_once"),
        ),
        migrations.AddConstraint(
            model_name="updatewording",
            constraint=models.CheckConstraint(
                condition=models.Q(("reader_state__in", ["restored", "affected", "unknown"])),
                name="update_wording_reader_state",
            ),
        ),
        rls.Protect("incidents_updatereader", rls.company_owned(staff="select insert")),
        rls.TieToCompany("incidents_updatereader", "incidents_recovery", "incident_id"),
        rls.Protect(
            "incidents_update",
            rls.published(
                f"{_OWN} and (audience = 'everyone' or (audience <> 'staff' and "  # noqa: S608
                "id = any (array(select reader.update_id from incidents_updatereader reader))))",
                columns=_COLUMNS,
                staff="select insert",
            ),
            before=rls.published(
                f"audience = 'everyone' and {_OWN}", columns=_COLUMNS, staff="select insert"
            ),
        ),
        rls.Protect(
            "incidents_claim",
            rls.published(
                f"{_OWN} and (update_id is null or "  # noqa: S608 - a constant
                "update_id = any (array(select readable.id from incidents_update readable)))"
            ),
            before=rls.published(_OWN),
        ),
        rls.Protect(
            "incidents_updatewording",
            rls.published(
                "update_id = any (array(select readable.id from incidents_update readable)) and ("
                "(reader_state = 'restored' and incident_id = any (array("
                "select own.incident_id from incidents_recovery own where own.state = 'restored'))) or "
                "(reader_state = 'unknown' and incident_id = any (array("
                "select own.incident_id from incidents_recovery own where own.state = 'unknown'))) or "
                "(reader_state = 'affected' and incident_id = any (array("
                "select own.incident_id from incidents_recovery own "
                "where own.state <> 'restored' and own.state <> 'unknown'))))",
                staff="select insert",
            ),
        ),
    ]
