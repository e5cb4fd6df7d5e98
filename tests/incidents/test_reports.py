"""A report is published once for all who hold it, frozen, with each company's own annex."""

from datetime import timedelta

import pytest

from incidents import errors
from incidents.choices import CompanyState
from incidents.models import (
    CorrectiveAction,
    PostMortemAnnex,
    PostMortemVersion,
)
from tenants import scope
from tests import factories
from tests.conftest import World
from tests.incidents import reporting


@pytest.fixture
def held(world: World) -> World:
    """Acme and Globex are restored, and Acme's request for the report is accepted."""
    factories.restore(world.acme, world.incident, minutes=390)
    factories.restore(world.globex, world.incident, minutes=265)
    reporting.asked(world, world.ada, world.acme)
    return world


def test_a_company_that_holds_the_report_reads_it_with_its_own_annex(held: World) -> None:
    draft = reporting.begun(held)
    reporting.promised(held)
    reporting.published(held, draft)
    page = reporting.read(held.acme, held.incident)
    assert page.version.label == "Preliminary"
    assert page.summary is not None
    assert "storage broke" in page.summary.text.html
    assert [section.name for section in page.causes] == ["root_cause", "contributing_causes"]
    assert [moment.heading for moment in page.timeline] == ["Interruption"]
    assert [action.title for action in page.actions] == ["Audit"]
    assert page.annex is not None
    assert page.annex.recovery.restored_at == factories.STARTED_AT + timedelta(minutes=390)
    assert page.annex.recovery.outage_seconds == 390 * 60
    assert [turn.state for turn in page.annex.turns] == [CompanyState.OUTAGE, CompanyState.RESTORED]
    assert page.facts.affected_count == 2


def test_a_company_that_has_not_asked_or_waits_reads_nothing(held: World) -> None:
    draft = reporting.begun(held)
    reporting.promised(held)
    reporting.published(held, draft)
    for is_asked in (False, True):
        if is_asked:
            reporting.asked(held, held.gus, held.globex, is_accepted=False)
        with pytest.raises(errors.ReportNotFound):
            reporting.read(held.globex, held.incident)
        with scope.as_company(held.globex.pk):
            assert not PostMortemVersion.objects.exists()
            assert not CorrectiveAction.objects.exists()
            assert set(PostMortemAnnex.objects.values_list("company_id", flat=True)) == {held.globex.pk}
