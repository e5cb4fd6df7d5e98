"""Every route × method × actor × {own, foreign, unknown, malformed} ids, held against tests/guards/routes.py.

`run_matrix` is a plain function, so that it can be run with either wall down as well.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests import sampling
from tests.guards import answers, routes
from tests.guards.answers import Answer, Ledger
from tests.guards.route_cast import UNKNOWN_NUMBER, Cast
from tests.guards.routes import Row, Variant

MOST_IN_A_FULL_RUN = 300
"""Groups beyond those that are always gone through: all of them take a quarter of an hour."""
MOST_IN_A_QUICK_RUN = 60
"""Groups besides everybody's plain way to each row."""

CASES = "of the route matrix"
SIGN_IN = "/accounts/login/?next="

Group = tuple[Row, str, Variant]
"""One row, one actor and one way to ask: asked with all kinds of ids, which are compared."""

EVERY_PAIR = tuple(itertools.product(routes.COMPANIES, routes.REFERENCES))
FEWER_PAIRS = (
    (routes.OWN, routes.OWN),
    (routes.OWN, routes.FOREIGN),
    (routes.OWN, routes.DRAFT),
    (routes.OWN, routes.UNKNOWN),
    (routes.OWN, routes.MALFORMED),
    (routes.FOREIGN, routes.OWN),
    (routes.FOREIGN, routes.THEIRS),
    (routes.SUSPENDED, routes.OWN),
    (routes.UNKNOWN, routes.UNKNOWN),
    (routes.MALFORMED, routes.OWN),
)
"""Which company and which incident an address names: all of it, and what each group has at least.

All of it is for members in a full run. Others are answered for the company, whatever the incident.
"""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request of the matrix and what is declared of it."""

    row: Row
    actor: str
    variant: Variant
    company: str
    reference: str
    slug: str
    path: str
    status: int

    def __str__(self) -> str:
        ids = f"{self.company} company" if self.row.is_of_company else ""
        if self.row.is_of_incident:
            ids += f", {self.reference} incident"
        return f"{self.actor}, {self.row}, {self.variant.name}, {ids}: {self.path[:80]}"

    @property
    def is_hidden(self) -> bool:
        """Whether it names something that this actor must not be able to tell from nothing."""
        if routes.MALFORMED in (self.company, self.reference):
            return False
        if self.company != routes.OWN or not routes.is_member(self.actor):
            return self.row.is_of_company
        return self.reference in routes.NOT_READABLE


def run_matrix(
    cast: Cast,
    *,
    variants: Sequence[Variant] = routes.VARIANTS,
    actors: Sequence[str] = routes.ACTORS,
    most: int = MOST_IN_A_QUICK_RUN,
    counts: Counter[str] | None = None,
) -> list[str]:
    """Ask everything of the table in every way; returns complaints, empty when all is as declared.

    Each complaint is a sentence that names actor, request and what was wrong. Every request is undone.
    A quick run takes everybody's plain way to every row of the table and at most `most` other groups,
    the same each time; a full run takes more of them, but none where `most` is 0. `counts` is told the
    number of requests.
    """
    words = cast.words()
    ledger = Ledger()
    complaints: list[str] = []
    for number, (each, actor, variant) in enumerate(_groups(variants, actors, most)):
        asked = _requests(each, actor, variant, cast, number)
        group = [(one, _ask(one, cast, ledger, words)) for one in asked]
        complaints += _complaints(group, cast)
        if counts is not None:
            counts[CASES] += len(group)
    return complaints


def _groups(variants: Sequence[Variant], actors: Sequence[str], most: int) -> list[tuple[Row, str, Variant]]:
    """Everybody's plain way to every row of the table, and as many of the others as a run takes."""
    always: list[Group] = []
    others: list[Group] = []
    for variant in variants:
        for each in routes.all_rows():
            if variant == routes.PLAINLY or each.is_asked_in(variant):
                is_plain = variant == routes.PLAINLY and each in routes.ROUTES
                (always if is_plain else others).extend((each, actor, variant) for actor in actors)
    return always + sampling.sampled(others, most=most, most_of_all=MOST_IN_A_FULL_RUN if most else 0)


def _requests(each: Row, actor: str, variant: Variant, cast: Cast, number: int) -> Iterator[Asked]:
    """The row's address with the kinds of ids; the malformed words take turns by `number`."""
    pairs: Sequence[tuple[str, str]] = ((routes.OWN, routes.OWN),)
    if each.is_of_incident:
        is_plain_member = variant == routes.PLAINLY and routes.is_member(actor)
        pairs = EVERY_PAIR if sampling.EVERYTHING and is_plain_member else FEWER_PAIRS
    elif each.is_of_company:
        pairs = [(company, routes.OWN) for company in routes.COMPANIES]
    for company, reference in pairs:
        slug, name = cast.slug(actor, company, number), cast.reference(reference, number)
        path = each.route.replace("<slug:company>", slug).replace("<reference:reference>", name)
        path = path.replace("<number:number>", cast.number if each.is_of_company else UNKNOWN_NUMBER)
        yield Asked(
            row=each,
            actor=actor,
            variant=variant,
            company=company,
            reference=reference,
            slug=slug,
            path=f"/{path}",
            status=routes.expected(each, actor, company=company, reference=reference),
        )


def _ask(asked: Asked, cast: Cast, ledger: Ledger, words: dict[str, str]) -> Answer:
    query = asked.variant.query.format(**words)
    return ledger.ask(
        cast.browsers[asked.actor],
        asked.row.method,
        asked.path,
        query=query,
        headers={name: value.format(**words) for name, value in asked.variant.headers},
        form=asked.row.form,
    )


def _complaints(group: Sequence[tuple[Asked, Answer]], cast: Cast) -> Iterator[str]:
    """What is wrong with single answers, and what tells two answers apart that must be the same."""
    alike: dict[bool, tuple[Asked, Answer]] = {}
    for asked, answer in group:
        yield from (f"{asked}: {words}" for words in _faults(asked, answer, cast))
        if not asked.is_hidden:
            continue
        first, first_answer = alike.setdefault(asked.company == routes.OWN, (asked, answer))
        difference = first_answer.difference(answer)
        if difference:
            yield f"{asked}: can be told from {first.path} by {difference}"


def _faults(asked: Asked, answer: Answer, cast: Cast) -> Iterator[str]:
    allowed = {asked.status}
    if asked.variant.may_be_not_modified and asked.status == 200:
        allowed.add(304)
    if answer.status not in allowed:
        yield f"answered {answer.status} instead of {asked.status}"
    may_write = asked.row.writes if asked.status < 400 and answer.status < 400 else frozenset()
    if asked.row.method in routes.READING:
        may_write &= routes.TRACES
    if asked.actor in routes.SIGNED_OUT:
        may_write = frozenset()
    if answer.changed - may_write:
        yield f"changed {sorted(answer.changed - may_write)}"
    yield from _missing_headers(asked, answer)
    told = answer.body.decode(errors="replace") + repr(answer.headers)
    for text in cast.forbidden_texts(asked.actor, asked.slug):
        if text in told:
            place = told.index(text)
            yield f"tells “{text}”: …{told[max(0, place - 60) : place + 60]!r}…"


def _missing_headers(asked: Asked, answer: Answer) -> Iterator[str]:
    missing = answers.walls_missing(answer)
    if missing:
        yield missing
    if not asked.row.is_of_company:
        return
    if answer.status == 302 and asked.actor in routes.SIGNED_OUT:
        exact = "" if routes.MALFORMED in (asked.company, asked.reference) else SIGN_IN
        if not answer.headers["Location"].startswith(SIGN_IN) or exact not in {
            "",
            answer.headers["Location"],
        }:
            yield f"leads to {answer.headers['Location']}"
    elif answer.status in {200, 304}:
        kept, varies = answer.headers.get("Cache-Control", ""), answer.headers.get("Vary", "")
        if "private" not in kept or "Cookie" not in varies:
            yield f"may be kept by a shared cache: {kept!r}, varying by {varies!r}"
