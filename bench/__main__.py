"""`make bench`: one JSON line for each figure, each compared with another one of the same run."""

import json
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from bench import load, memory, portals, timing
from deploy.local import postgres, valkey

MEASUREMENTS = ("load", "timing", "import", "standings", "documents")
IMPORTED = (20_000, 100_000)
RANKED = (10_000, 100_000)
ANNEXED = (10_000, 100_000)
SIZES = (240, 10_000)
ROUNDS = 5
SECONDS = 3.0


@dataclass(frozen=True, kw_only=True)
class Target:
    """One kind of request: what is sent, and the only status that counts."""

    name: str
    requests: list[bytes]
    status: int


def main(asked: Sequence[str]) -> None:
    """Measure what is `asked` for (one of MEASUREMENTS), or everything."""
    unknown = set(asked) - set(MEASUREMENTS)
    if unknown:
        raise SystemExit(f"Measurements are {', '.join(MEASUREMENTS)}, not {', '.join(sorted(unknown))}.")
    wanted = set(asked or MEASUREMENTS)
    with ExitStack() as stack:
        _say("starting services and loading companies")
        server, cache = stack.enter_context(portals.services())
        if "import" in wanted:
            _report_imports(server, cache)
        if "standings" in wanted:
            _report_standings(server, cache)
        if "documents" in wanted:
            _report_documents(server, cache)
            _report_annexes(server, cache)
        if not wanted & {"load", "timing"}:
            return
        sizes = SIZES if "load" in wanted else SIZES[-1:]
        measured = [stack.enter_context(portals.portal(size, server, cache)) for size in sizes]
        if "load" in wanted:
            _report(measured, _rounds(measured))
            _report_memory(measured, server, cache)
        if "timing" in wanted:
            _report_timing(measured[-1])


def _report_memory(measured: list[portals.Portal], server: postgres.Postgres, cache: valkey.Valkey) -> None:
    for portal in measured:
        _emit(
            figure="memory of each web process, MiB",
            companies=portal.companies,
            value=memory.web(portal.process_id),
        )
    _emit(figure="memory of PostgreSQL in all, MiB", value=memory.tree(server.process.pid))
    _emit(figure="memory of Valkey, MiB", value=memory.tree(cache.process.pid))


def _report_imports(server: postgres.Postgres, cache: valkey.Valkey) -> None:
    """From the file to committed standings, as often as COPY, or writing alone, of the same entries takes."""
    for rows in IMPORTED:
        _say(f"importing {rows} rows")
        seconds = _measured_apart("imports", rows, server, cache)
        imported = seconds["dry_run_seconds"] + seconds["apply_seconds"]
        _emit(
            figure="import with its dry run × COPY",
            value=round(imported / seconds["copy_seconds"], 2),
            goal="<= 3",
            apply_alone=round(seconds["apply_seconds"] / seconds["copy_seconds"], 2),
            times_writing=round(imported / seconds["write_seconds"], 2),
            apply_times_writing=round(seconds["apply_seconds"] / seconds["write_seconds"], 2),
            **seconds,
        )


def _report_standings(server: postgres.Postgres, cache: valkey.Valkey) -> None:
    """Everybody ranked anew, as often as the share in one query and one UPDATE of the same rows take."""
    for companies in RANKED:
        _say(f"ranking {companies} companies")
        seconds = _measured_apart("standings", companies, server, cache)
        _emit_times_floor("standings × percentile_disc and UPDATE", "refresh_seconds", seconds, goal="<= 2")


def _report_documents(server: postgres.Postgres, cache: valkey.Valkey) -> None:
    """A long report, as often as its words without any look take; mails beside many that wait."""
    _say("setting documents of a hundred pages, and sending mails beside them")
    figures = _measured_apart("documents", 240, server, cache, ["manage.py", "load_demo"])
    of_mails = {name: figures.pop(name) for name in list(figures) if name.startswith(("mail_", "documents_"))}
    _emit(
        figure="seconds of a long report from the request to the kept PDF",
        value=figures["seconds"],
        goal="<= 2 with 100 pages",
        times_plain=round(figures["seconds"] / figures["plain_seconds"], 2),
        **figures,
    )
    _emit(
        figure="time of a mail beside 200 documents × without",
        value=round(of_mails["mail_beside_seconds"] / of_mails["mail_alone_seconds"], 2),
        goal="<= 1.5",
        **of_mails,
    )


def _report_annexes(server: postgres.Postgres, cache: valkey.Valkey) -> None:
    """A version with everybody's annex, as often as INSERT … SELECT of the same rows takes."""
    for companies in ANNEXED:
        _say(f"publishing a report with {companies} annexes")
        seconds = _measured_apart("annexes", companies, server, cache)
        _emit_times_floor(
            "publication with its annexes × INSERT … SELECT", "publish_seconds", seconds, goal="<= 3"
        )


def _emit_times_floor(figure: str, ours: str, seconds: dict[str, float], *, goal: str) -> None:
    """How many times its floor of the same run something takes."""
    value = round(seconds[ours] / seconds["floor_seconds"], 2)
    _emit(figure=figure, value=value, goal=goal, **seconds)


def _measured_apart(
    what: str, rows: int, server: postgres.Postgres, cache: valkey.Valkey, *commands: list[str]
) -> dict[str, float]:
    """What a measurement prints that runs in a process and a database of its own."""
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{what}", str(rows)],
        cwd=portals.ROOT,
        env=portals.prepared(f"{what}_{rows}", server, cache, *commands),
        check=True,
        stdout=subprocess.PIPE,
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _report_timing(portal: portals.Portal) -> None:
    """Apart by less than the goal, nobody can tell from the time of an answer what exists."""
    _say(f"foreign against unknown, {timing.SAMPLES} times each in turn")
    for compared in timing.compare(portal):
        _emit(
            figure=f"time of existing − unknown, ms: {compared.name}",
            companies=portal.companies,
            value=round(compared.difference, 3),
            goal=f"within ±{timing.GOAL_MILLISECONDS}",
            existing_milliseconds=round(compared.existing, 2),
            unknown_milliseconds=round(compared.unknown, 2),
        )


def _targets(portal: portals.Portal) -> list[Target]:
    pages = [(f"/{slug}/incidents/{portal.reference}/", key) for slug, key in portal.sessions]
    fragment = {"HX-Request": "true"}
    return [
        Target(name="bare view", requests=[_request(portal, "/health/bare")], status=200),
        Target(name="page", requests=[_request(portal, path, key) for path, key in pages], status=200),
        Target(
            name="fragment",
            requests=[_request(portal, path, key, fragment) for path, key in pages],
            status=200,
        ),
        Target(
            name="304",
            requests=[
                _request(portal, path, key, fragment | {"If-None-Match": _etag(portal, path, key, fragment)})
                for path, key in pages
            ],
            status=304,
        ),
    ]


def _rounds(measured: list[portals.Portal]) -> dict[tuple[int, str], list[float]]:
    """Requests a second of each target, round by round, the portals and targets in turn."""
    targets = {portal.companies: _targets(portal) for portal in measured}
    rates: dict[tuple[int, str], list[float]] = {}
    for number in range(ROUNDS + 1):
        _say(f"round {number} of {ROUNDS}" if number else "warming up")
        for portal in measured:
            for target in targets[portal.companies]:
                result = load.drive(portal.port, target.requests, seconds=SECONDS if number else 1.0)
                if set(result.statuses) != {target.status}:
                    raise SystemExit(f"{target.name} at {portal.companies} answered {result.statuses}")
                if number:
                    rates.setdefault((portal.companies, target.name), []).append(result.requests_per_second)
    return rates


def _report(measured: list[portals.Portal], rates: dict[tuple[int, str], list[float]]) -> None:
    for portal in measured:
        bare = rates[portal.companies, "bare view"]
        for name, goal in (("page", 0.15), ("fragment", 0.3), ("304", 0.5)):
            mine = rates[portal.companies, name]
            _emit(
                figure=f"{name} × bare view",
                companies=portal.companies,
                value=_median_ratio(mine, bare),
                goal=f">= {goal}",
                requests_per_second=round(statistics.median(mine)),
                bare_requests_per_second=round(statistics.median(bare)),
            )
    small, large = (portal.companies for portal in measured)
    _emit(
        figure=f"time of a page at {large:,} × at {small}",
        value=_median_ratio(rates[small, "page"], rates[large, "page"]),
        goal="<= 1.2",
    )


def _median_ratio(these: list[float], those: list[float]) -> float:
    return round(statistics.median(one / other for one, other in zip(these, those, strict=True)), 3)


def _request(
    portal: portals.Portal, path: str, key: str = "", headers: dict[str, str] | None = None
) -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{portal.port}"]
    if key:
        lines.append(f"Cookie: portal_session={key}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _etag(portal: portals.Portal, path: str, key: str, headers: dict[str, str]) -> str:
    asked = urllib.request.Request(
        f"http://127.0.0.1:{portal.port}{path}", headers=headers | {"Cookie": f"portal_session={key}"}
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return str(answer.headers["ETag"])


def _emit(**figure: Any) -> None:
    print(json.dumps(figure, ensure_ascii=False), flush=True)


def _say(words: str) -> None:
    print(f"# {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
