"""A pytest plugin: which process runs which test, and a loud word about what was not run."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

JOURNEYS = "tests/journeys/"


class JourneysTogether(LoadScopeScheduling):  # type: ignore[misc]  # the library has no types
    """One test after the other to whoever is free, but all browser journeys to one process.

    They share one portal and one browser, and are the longest, so they are given out first.
    """

    def _split_scope(self, nodeid: str) -> str:
        return JOURNEYS if nodeid.startswith(JOURNEYS) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> JourneysTogether:
    return JourneysTogether(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Browser journeys that were skipped are said once, whatever else is printed."""
    skipped = [report for report in terminalreporter.getreports("skipped") if "browser" in report.keywords]
    if not skipped:
        return
    reason = skipped[0].longrepr[2] if isinstance(skipped[0].longrepr, tuple) else skipped[0].longrepr
    terminalreporter.section("BROWSER JOURNEYS WERE NOT RUN", sep="!", red=True, bold=True)
    terminalreporter.line(f"{len(skipped)} journeys: {str(reason).removeprefix('Skipped: ')}")
