"""A pytest plugin: which process runs which test, and a loud word about what was not run."""

import gc
from collections import Counter

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests import sampling

JOURNEYS = "tests/journeys/"


class JourneysTogether(LoadScopeScheduling):  # type: ignore[misc]  # the library has no types
    """One test after the other to whoever is free, but all browser journeys to one process.

    They share one portal and one browser, and are the longest, so they are given out first.
    """

    def _split_scope(self, nodeid: str) -> str:
        return JOURNEYS if nodeid.startswith(JOURNEYS) else nodeid


def pytest_collection_finish() -> None:
    """What was made by now stays until the end: the collector of garbage need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> JourneysTogether:
    return JourneysTogether(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many generated cases were gone through, and loudly which browser journeys were not run."""
    _say_cases(terminalreporter)
    _say_skipped_journeys(terminalreporter)


def _say_cases(terminalreporter: pytest.TerminalReporter) -> None:
    sums: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, number in report.user_properties:
            if name.startswith(sampling.CASES):
                sums[name.removeprefix(sampling.CASES)] += number
    if sums:
        which = "all of them" if sampling.EVERYTHING else "a fixed sample where they are very many"
        terminalreporter.section(f"generated cases ({which})")
        for name, number in sorted(sums.items()):
            terminalreporter.line(f"{number:>8,} {name}")


def _say_skipped_journeys(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [report for report in terminalreporter.getreports("skipped") if "browser" in report.keywords]
    if not skipped:
        return
    reason = skipped[0].longrepr[2] if isinstance(skipped[0].longrepr, tuple) else skipped[0].longrepr
    terminalreporter.section("BROWSER JOURNEYS WERE NOT RUN", sep="!", red=True, bold=True)
    terminalreporter.line(f"{len(skipped)} journeys: {str(reason).removeprefix('Skipped: ')}")
