"""A walk through the whole admin by everybody: who gets in, who may write, who may learn what is there."""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from tests import sampling
from tests.conftest import World
from tests.guards import admin_forms, admin_pages, answers, route_cast, routes
from tests.guards.admin_forms import Sent
from tests.guards.admin_pages import AdminPage
from tests.guards.answers import Answer, Ledger
from tests.guards.route_cast import Cast, SignIn

CASES = "of the walk through the admin"
OF_FORMS = "of the admin's filled forms"
LESSER = ("staff_view", "staff_bare")
SHOWN_AGAIN = frozenset({"_preview", "_use", "index"})
"""The buttons that are meant to write nothing: one shows how the text reads, one puts a template below it,
one opens what an action of the list asks first; the list's own page has it pressed."""
CHECKED = "admin/tenants/auditevent/verify/"
"""Who checks the seals of the audit is written down in it."""
ASKED_APART = tuple(
    f"admin/incidents/incident/<uuid:object_id>/{page}/ by" for page in ("end-early", "merge")
)
"""One needs a maintenance that has begun, one asks twice: test_who_does_not_run_incidents_takes_no_step in
tests/incidents/test_admin_course.py."""


class Walk:
    """The admin as one world has it, with everybody signed in. Complaints are sentences."""

    def __init__(self, world: World, sign_in: SignIn) -> None:
        self.cast: Cast = route_cast.make(world, sign_in)
        admin_pages.furnish(self.cast)
        self.pages = list(admin_pages.pages(self.cast))
        self.choices = admin_pages.choices(self.cast)
        self.ledger = Ledger()
        self.counts: Counter[str] = Counter()

    def ask(
        self, actor: str, method: str, page: AdminPage, *, form: str = "", counted: str = CASES
    ) -> Answer:
        self.counts[counted] += 1
        return self.ledger.ask(
            self.cast.browsers[actor],
            method,
            page.path,
            query=page.query,
            form=form,
            named=(page.path,),
        )


def outsiders(walk: Walk, *, most: int) -> Iterator[str]:
    """Who is not staff is sent to sign in or told that nothing is there: the same, whatever is there."""
    actors = [actor for actor in routes.ACTORS if actor not in routes.STAFF]
    asked = [
        (actor, method, page)
        for page in walk.pages
        for method in ("GET", "POST")
        if page.kind in {"", admin_pages.OWN}
        for actor in actors
    ]
    # Whatever the method and the object, the door asks only who comes: here they take turns.
    turns = itertools.cycle(actors)
    asked += [
        (next(turns), method, page)
        for page in walk.pages
        if page.kind != admin_pages.FOREIGN
        for method in routes.METHODS
    ]
    first: dict[tuple[str, str], Answer] = {}
    for actor, method, page in sampling.sampled(asked, most=most):
        answer = walk.ask(actor, method, page)
        status = 302 if actor in routes.SIGNED_OUT else 404
        if answer.status != status:
            yield f"{actor}, {method} {page}: answered {answer.status} instead of {status}"
        if answer.changed:
            yield f"{actor}, {method} {page}: changed {sorted(answer.changed)}"
        difference = first.setdefault((actor, method), answer).difference(answer)
        if difference:
            yield f"{actor}, {method} {page}: differs from other addresses by {difference}"


def staff(walk: Walk, *, most: int) -> Iterator[str]:
    """No page fails, none changes anything by being read, and without rights nothing is there to see."""
    actors = ("staff", *LESSER)
    asked = [(page, method, actor) for page in walk.pages for method in ("GET", "POST") for actor in actors]
    turns = itertools.cycle(actors)
    asked += [
        (page, method, next(turns))
        for page in walk.pages
        if page.kind in {"", admin_pages.OWN}
        for method in routes.METHODS
        if method not in {"GET", "POST"}
    ]
    for page, method, actor in sampling.sampled(asked, most=most):
        answer = walk.ask(actor, method, page)
        if answer.status >= 500:
            yield f"{actor}, {method} {page}: fails with {answer.status}"
        missing = answers.walls_missing(answer)
        if missing:
            yield f"{actor}, {method} {page}: {missing}"
        trace = {"tenants_auditevent"} if (actor, method, page.route) == ("staff", "POST", CHECKED) else set()
        if answer.changed - trace:
            yield f"{actor}, {method} {page}: changed {sorted(answer.changed)}"
        if actor == "staff_bare" and page.model is not None and not _is_refused(answer):
            yield f"{actor}, {method} {page}: answered {answer.status}"


def _is_refused(answer: Answer) -> bool:
    """Django leads an address without its last word, of whatever row, to the page that refuses."""
    return answer.status in {403, 404} or answer.headers.get("Location", "").endswith("change/")


def bare_staff_learn_nothing(walk: Walk) -> Iterator[str]:
    """For staff without rights every object is as if it were not there, byte for byte."""
    for route in sampling.sampled(dict.fromkeys(page.route for page in walk.pages if page.kind), most=30):
        same = [page for page in walk.pages if page.route == route and page.kind != admin_pages.MALFORMED]
        for method in ("GET", "HEAD", "POST"):
            answers = [(page, walk.ask("staff_bare", method, page)) for page in same]
            unknown = next(answer for page, answer in answers if page.kind == admin_pages.UNKNOWN)
            for page, answer in answers:
                difference = unknown.difference(answer)
                if difference:
                    yield f"staff_bare, {method} {page}: can be told from an unknown one by {difference}"


def forms(walk: Walk, *, most: int) -> Iterator[str]:
    """What a superuser can write with a filled form, nobody else can write with the same form."""
    writable: dict[str, bool] = {}
    there = {"", admin_pages.OWN, admin_pages.FOREIGN, admin_pages.PLANNED}
    pages = [page for page in walk.pages if page.kind in there]
    # Of an address all pages: what is no maintenance cannot be cancelled, what is one is no false alarm.
    chosen = set(sampling.sampled(dict.fromkeys(page.route for page in pages), most=most))
    for page in (page for page in pages if page.route in chosen):
        for sent in _offered(walk, page):
            target = AdminPage(route=page.route, path=sent.path, model=page.model, kind=page.kind)
            answer = walk.ask("staff", "POST", target, form=sent.body, counted=OF_FORMS)
            if answer.status >= 500:
                yield f"staff, {sent}: fails with {answer.status}"
            key = f"{page.route} by “{sent.button}”"
            if sent.button in SHOWN_AGAIN:
                if answer.changed:
                    yield f"staff, {sent}: is to be shown again, and changed {sorted(answer.changed)}"
                continue
            writable[key] = writable.get(key, False) or bool(answer.changed)
            yield from _refused(walk, target, sent)
    silent = {
        key for key, is_written in writable.items() if not is_written and not key.startswith(ASKED_APART)
    }
    yield from (f"the filled form of {key} writes nothing, so it proves nothing" for key in sorted(silent))


def _offered(walk: Walk, page: AdminPage) -> Iterator[Sent]:
    """The filled forms of a page as a superuser sees it, and of what its actions ask next."""
    answer = walk.ask("staff", "GET", page, counted=OF_FORMS)
    if answer.status != 200 or not answer.headers["Content-Type"].startswith("text/html"):
        return
    html = answer.body.decode()
    yield from admin_forms.offered(html, page.path, walk.choices)
    names = admin_forms.actions(html)
    if page.model is None or not names:
        return
    keys = admin_pages.all_keys(page.model)
    for name, selected in itertools.product(names, (keys[:1], keys)):
        sent = admin_forms.action(page.path, name, selected)
        asked = walk.ask("staff", "POST", page, form=sent.body, counted=OF_FORMS)
        between = list(admin_forms.offered(asked.body.decode(), page.path, walk.choices))
        yield from (replace(each, button=name) for each in between or [sent])


def _refused(walk: Walk, page: AdminPage, sent: Sent) -> Iterator[str]:
    superuser = walk.cast.browsers["staff"].handler
    superuser.enforce_csrf_checks = True
    answer = walk.ask("staff", "POST", page, form=sent.body, counted=OF_FORMS)
    superuser.enforce_csrf_checks = False
    if answer.changed or answer.status != 403:
        yield f"staff without the form's token, {sent}: answered {answer.status}, {sorted(answer.changed)}"
    for actor in (*LESSER, "owner", "anonymous", "staff_disabled"):
        answer = walk.ask(actor, "POST", page, form=sent.body, counted=OF_FORMS)
        if answer.changed:
            yield f"{actor}, {sent}: changed {sorted(answer.changed)}"
        if answer.status >= 500:
            yield f"{actor}, {sent}: fails with {answer.status}"
