"""Each statement of a request, explained where it runs: in its role, its transaction, with its types.

PostgreSQL plans a statement with the values at hand, and after some executions once and for all
(the generic plan of a prepared statement). Both must be good, so both are made and run.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import connection
from psycopg import sql
from psycopg.pq import PipelineStatus

Raw = psycopg.Connection[Any]

_EXPLAINABLE = re.compile(r"\s*(select|with|insert|update|delete|merge|table|values)\b", re.IGNORECASE)
_PLANS = {"with its values": "force_custom_plan", "prepared": "force_generic_plan"}


@dataclass(frozen=True, kw_only=True)
class Node:
    """One step of a plan that has run."""

    kind: str
    table: str
    """Empty unless the step reads one."""
    rows: int
    """Rows that it gave out or threw away, in all its turns."""

    @property
    def is_scan(self) -> bool:
        return "Seq Scan" in self.kind


@dataclass(frozen=True, kw_only=True)
class Explained:
    """One statement with one of its plans, its steps from the outermost."""

    statement: str
    plan: str
    role: str
    is_general: bool
    """Whether the plan was made without the values, once for all of them."""
    blocks: int
    """Pages of 8 KiB that it looked at, each time that it did: also those in which it found nothing."""
    nodes: tuple[Node, ...]

    @property
    def tables(self) -> frozenset[str]:
        return frozenset(node.table for node in self.nodes if node.table)

    def __str__(self) -> str:
        return f"{self.plan}, as {self.role}: {self.statement[:300]}"


@dataclass
class Explaining:
    """What was explained so far, and what was sent through a pipeline and is explained after it."""

    found: list[Explained] = field(default_factory=list)
    piped: list[tuple[str, Any]] = field(default_factory=list)

    def wrap(self, execute: Callable[..., Any], statement: str, values: Any, many: bool, context: Any) -> Any:
        """A wrapper of Django's for each statement: explains it, then lets it run."""
        raw: Raw = context["connection"].connection
        if not many and _EXPLAINABLE.match(statement):
            if raw.pgconn.pipeline_status == PipelineStatus.OFF:
                self.end_pipeline(raw)
                self.found += _explain(raw, statement, values)
            else:
                self.piped.append((statement, values))
        return execute(statement, values, many, context)

    def end_pipeline(self, raw: Raw) -> None:
        """Explain what went through a pipeline, each statement after what the ones before it have set."""
        if self.piped:
            with raw.transaction(force_rollback=True), raw.cursor() as cursor:
                for statement, values in self.piped:
                    self.found += _explain(raw, statement, values)
                    cursor.execute(statement, values)
            self.piped.clear()


@contextmanager
def explaining() -> Iterator[Explaining]:
    """Explain every statement that this thread sends in the meantime."""
    explained = Explaining()
    with connection.execute_wrapper(explained.wrap):
        yield explained
    explained.end_pipeline(connection.connection)


def _explain(raw: Raw, statement: str, values: Any) -> Iterator[Explained]:
    """Both plans of the statement. Whatever it changes, the role included, is taken back each time."""
    text, types, role = _as_the_server_keeps_it(raw, statement, values)
    given = sql.SQL(" ({})").format(sql.SQL(", ").join(map(sql.Literal, values))) if values else sql.SQL("")
    for words, mode in _PLANS.items():
        with raw.transaction(force_rollback=True), raw.cursor() as cursor:
            cursor.execute(f"set local plan_cache_mode = {mode}")
            cursor.execute(f"prepare explained{types} as {text}", prepare=False)
            cursor.execute(
                sql.SQL("explain (analyze, buffers, timing off, format json) execute explained{}").format(
                    given
                )
            )
            (plan,) = cursor.fetchone() or ("",)
            cursor.execute("deallocate explained")
        whole = plan if isinstance(plan, str) else json.dumps(plan)
        outermost = json.loads(whole)[0]["Plan"]
        yield Explained(
            statement=statement,
            plan=words,
            role=role,
            is_general="$1" in whole,
            blocks=outermost["Shared Hit Blocks"] + outermost["Shared Read Blocks"],
            nodes=tuple(_nodes(outermost)),
        )


def _as_the_server_keeps_it(raw: Raw, statement: str, values: Any) -> tuple[str, str, str]:
    """(text, types of parameters, role) of the statement as the driver has it prepared."""
    with raw.transaction(force_rollback=True), raw.cursor() as cursor:
        cursor.execute("select current_user", prepare=False)
        (role,) = cursor.fetchone() or ("",)
        cursor.execute("deallocate all")
        cursor.execute(statement, values, prepare=True)
        cursor.execute(
            "select statement, parameter_types::text[] from pg_prepared_statements",
            prepare=False,
        )
        text, types = cursor.fetchone() or ("", [])
    return text, f" ({', '.join(types)})" if types else "", role


def _nodes(plan: dict[str, Any]) -> Iterator[Node]:
    turns = plan.get("Actual Loops", 0)
    thrown_away = sum(value for name, value in plan.items() if name.startswith("Rows Removed by"))
    yield Node(
        kind=plan["Node Type"],
        table=plan.get("Relation Name", ""),
        rows=round((plan.get("Actual Rows", 0) + thrown_away) * turns),
    )
    for child in plan.get("Plans", []):
        yield from _nodes(child)
