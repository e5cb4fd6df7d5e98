"""Promises of a next update, of whole incidents: for staff."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models.functions import Coalesce

from incidents import promises
from incidents.choices import Audience, UpdateKind
from incidents.models import Update, UpdateReader
from incidents.promises import Promise, Said, Tally

_COLUMNS = (
    *("incident_id", "id", "kind", "audience", "published_at", "next_update_at"),
    Coalesce("incident__set_aside_at", "incident__resolved_at"),
)


def of_incidents(incident_ids: Collection[UUID], *, now: datetime) -> dict[UUID, dict[UUID, Promise]]:
    """Incident → update → the promise that it makes, for what clients read.

    One to some companies is kept when all of them read a later text in time. One statement, two
    where a text for some promises something. Staff scope.
    """
    rows = list(
        Update.objects.filter(incident_id__in=incident_ids)
        .exclude(audience=Audience.STAFF)
        .order_by("published_at", "pk")
        .values_list(*_COLUMNS)
    )
    ended_at = {row[0]: row[6] for row in rows}
    of_some = {row[0] for row in rows if row[3] != Audience.EVERYONE and row[5] is not None}
    readers = _readers([row[1] for row in rows if row[0] in of_some and row[3] != Audience.EVERYONE])
    said: dict[UUID, list[tuple[UUID, Said]]] = defaultdict(list)
    for incident_id, update_id, kind, audience, at, promised_at, _ended_at in rows:
        is_narrow = audience != Audience.EVERYONE
        text = Said(
            kind=UpdateKind(kind),
            at=at,
            promised_at=promised_at,
            readers=readers.get(update_id, frozenset()) if is_narrow else None,
        )
        said[incident_id].append((update_id, text))
    return {
        incident_id: {
            update_id: promise
            for (update_id, _text), promise in zip(
                texts,
                promises.promises([text for _id, text in texts], ended_at=ended_at.get(incident_id), now=now),
                strict=True,
            )
            if promise is not None
        }
        for incident_id, texts in said.items()
    }


def tallies(incident_ids: Collection[UUID], *, now: datetime) -> dict[UUID, Tally]:
    """Incident → its promises counted, for each of `incident_ids`."""
    made = of_incidents(incident_ids, now=now)
    return {each: promises.tally(made.get(each, {}).values()) for each in incident_ids}


def _readers(update_ids: Collection[UUID]) -> dict[UUID, frozenset[UUID]]:
    found: dict[UUID, set[UUID]] = defaultdict(set)
    if update_ids:
        rows = UpdateReader.objects.filter(update_id__in=update_ids)
        for update_id, company_id in rows.values_list("update_id", "company_id"):
            found[update_id].add(company_id)
    return {update_id: frozenset(companies) for update_id, companies in found.items()}
