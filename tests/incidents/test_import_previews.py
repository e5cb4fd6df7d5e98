"""What staff are shown before a file is applied is what then happens, for files of every kind."""

import random
from typing import Any

import pytest

from incidents import cohort
from incidents.choices import ImportState
from incidents.models import Incident, Recovery
from incidents.operations import import_work, recovery_imports
from tenants import scope
from tests import factories
from tests.conftest import World
from tests.incidents import crowds
from tests.incidents.sent_files import NOW, again, ask, at, tried_out

STATES = ("restored", "restored", "restored", "outage", "degraded", "unknown")


def scene(dice: random.Random) -> tuple[Incident, list[str]]:
    """An incident of 20 to 60 companies on one or two components, some of them back."""
    components = [factories.component("Payment", "NA"), factories.component("Loyalty", "NA")]
    made = crowds.companies(dice.choice([20, 41, 60]), *components[: dice.choice([1, 2])])
    incident = factories.incident(*components[:1], tail_percent=dice.choice([5, 25]))
    known = {each.pk: float(dice.randint(1, 30)) for each in made if dice.random() < 0.9}
    crowds.restore(incident, components[0], known, now=NOW)
    return incident, [each.slug for each in made]


def rows(dice: random.Random, slugs: list[str]) -> list[str]:
    """Rows that meet at the same minutes, some of them twice, some against each other."""
    said = [
        f"{dice.choice(slugs)},{at(dice.choice([5, 10, 10, 20, 40, 60]))},{dice.choice(STATES)},"
        for _ in range(dice.choice([1, 10, 50]))
    ]
    return said + dice.sample(said, len(said) // 3)


def standing(incident: Incident) -> Any:
    """(restored, end of the first share, end of all, names of the tail) by the arithmetic."""
    with scope.as_staff():
        recoveries = Recovery.objects.filter(incident=incident).select_related("company")
        names = {each.company_id: each.company.name for each in recoveries}
        found = cohort.standings(
            [
                cohort.CompanyRecovery(company_id=each.company_id, restored_at=each.restored_at)
                for each in recoveries
            ],
            tail_percent=incident.tail_percent,
        )
    return (
        found.restored_count,
        found.restored_share_at,
        found.all_restored_at,
        {names[each.company_id] for each in found.standings if each.in_tail},
    )


@pytest.mark.parametrize("seed", range(10))
def test_what_was_shown_is_what_happens(world: World, seed: int) -> None:
    dice = random.Random(seed)
    incident, slugs = scene(dice)
    before = standing(incident)
    found = tried_out(world, rows(dice, slugs), incident=incident)
    assert standing(incident) == before

    if found.preview["entries"]:
        ask(world, found, recovery_imports.apply)
        import_work.advance(found.pk, now=NOW)
        assert again(found).state == ImportState.APPLIED
        assert again(found).entry_count == found.preview["entries"]
    after = standing(incident)
    shown = found.preview
    assert shown["restored"] == [before[0], after[0]]
    assert shown["share_at"] == [_written(before[1]), _written(after[1])]
    assert shown["all_at"] == [_written(before[2]), _written(after[2])]
    assert set(shown["entering"]) == after[3] - before[3]
    assert set(shown["leaving"]) == before[3] - after[3]


def _written(instant: Any) -> str | None:
    return None if instant is None else instant.strftime("%Y-%m-%dT%H:%M:%SZ")
