"""The forms that a page offers, filled in as a person in a hurry would, ready to be sent by anybody."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin

ELSEWHERE = ("/accounts/", "/zone/")
"""Forms that stand on every page and are tested where they lead."""

TYPED = {
    "time_zone": "UTC",
    "email": "somebody.new@vendor.example",
    "slug": "brand-new",
    "password1": "a long and unusual sentence",
    "password2": "a long and unusual sentence",
    "claimed_at_0": "",
    "claimed_at_1": "",
    "planned_end_at_0": "",
    "planned_end_at_1": "",
    "remind_minutes": "",
    "next_update_at_0": "",
    "next_update_at_1": "",
    "claimed_seconds": "1:00",
    "claimed_percent": "",
    "companies": "",
    "company": "acme",
    "read_as": "",
    "due_on": "",
}
"""What is typed into fields that do not take any word; '' leaves them as they are."""

LEFT_EMPTY = frozenset({"component_column", "corrects", "next_update_in", "state", "update"})
"""Choices that would make the rest of their form untrue."""

A_DAY_LATER = "planned_end_at_0"
"""The one day that is typed anew where one stands: a window that stays as it is was not moved."""

_DAY, _TIME, _WORDS, _NUMBER = "04/02/2026", "14:00:00", "Typed by a test", "7"


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A filled form as it leaves the browser, with the button that was pressed."""

    path: str
    body: str
    button: str

    def __str__(self) -> str:
        return f"POST {self.path} by “{self.button}”"


@dataclass(kw_only=True)
class _Form:
    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    has_file: bool = False


class _Forms(HTMLParser):
    """Collects the POST forms of a page, with every field filled in."""

    def __init__(self, known: Mapping[str, str]) -> None:
        super().__init__()
        self._known = known
        self.found: list[_Form] = []
        self._form: _Form | None = None
        self._select = ""
        self._options: list[tuple[str, bool]] = []
        self._textarea = ""
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            is_sent = told.get("method", "get").lower() == "post"
            self._form = _Form(action=told.get("action", "")) if is_sent else None
        if self._form is None or "disabled" in told:
            return
        name = told.get("name", "")
        if tag == "input":
            self._take_input(self._form, name, told)
        elif tag == "button" and told.get("type", "submit") == "submit":
            self._form.buttons.append((name, told.get("value", "")))
        elif tag == "select":
            self._select, self._options = name, []
        elif tag == "option" and self._select:
            self._options.append((told.get("value", ""), "selected" in told))
        elif tag == "textarea":
            self._textarea, self._text = name, ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if self._form is None:
            return
        if tag == "select" and self._select:
            self._take_select(self._form)
        elif tag == "textarea" and self._textarea:
            words = TYPED.get(self._textarea, _WORDS)
            self._form.fields.append((self._textarea, f"{self._text.strip()} {words}".strip()))
            self._textarea = ""
        elif tag == "form":
            self.found.append(self._form)
            self._form = None

    @staticmethod
    def _take_input(form: _Form, name: str, told: dict[str, str]) -> None:
        kind, value = told.get("type", "text"), told.get("value", "")
        match kind:
            case "submit" | "image":
                form.buttons.append((name, value))
            case "hidden":
                form.fields.append((name, value))
            case "checkbox":
                if not name.endswith("-DELETE") and name not in {"is_staff", "is_superuser", "_popup"}:
                    form.fields.append((name, value or "on"))
            case "radio":
                form.fields = [pair for pair in form.fields if pair[0] != name]
                form.fields.append((name, value))
            case "file":
                form.has_file = True
            case "button" | "reset" | "search":
                pass
            case _:
                form.fields.append((name, _typed(name, kind, value)))

    def _take_select(self, form: _Form) -> None:
        if self._select == "action":
            form.actions += [value for value, _is_selected in self._options if value]
        chosen = [value for value, is_selected in self._options if is_selected and value]
        plain = self._select.rsplit("-", 1)[-1]
        offered = {value for value, _is_selected in self._options if value}
        if not chosen and plain in self._known and (not offered or self._known[plain] in offered):
            chosen = [self._known[plain]]
        elif not chosen and plain not in LEFT_EMPTY:
            chosen = [value for value, _is_selected in self._options if value][-1:]
        form.fields += [(self._select, value) for value in chosen]
        self._select = ""


def _typed(name: str, kind: str, value: str) -> str:
    plain = name.rsplit("-", 1)[-1]
    if plain == A_DAY_LATER and value:
        return f"{datetime.strptime(value, '%d/%m/%Y') + timedelta(days=1):%d/%m/%Y}"  # noqa: DTZ007 - a day
    if plain in TYPED:
        return value or TYPED[plain]
    if plain.endswith("_0"):
        return value or _DAY
    if plain.endswith("_1"):
        return value or _TIME
    if kind == "number":
        return value or _NUMBER
    return f"{value} again" if value else f"{_WORDS} {name}"[:16]


def offered(html: str, page: str, known: Mapping[str, str]) -> Iterator[Sent]:
    """Every way in which a form of the page can be sent: one for each of its buttons.

    `known` has what is chosen, by field, where nothing is. The form of a change list is left out:
    its actions are sent one by one, see `actions`. So is a form that wants a file: test_admin_imports.
    """
    for form in _forms(html, known):
        path = urljoin(page, form.action or page)
        if path.startswith(ELSEWHERE) or _is_change_list(form) or form.has_file:
            continue
        fields = [pair for pair in form.fields if pair[0] != "csrfmiddlewaretoken"]
        for name, value in form.buttons:
            pressed = [(name, value or "yes")] if name else []
            yield Sent(path=path, body=urlencode(fields + pressed), button=name or "send")


def actions(html: str) -> list[str]:
    """The actions that a change list offers."""
    return [name for form in _forms(html, {}) if _is_change_list(form) for name in form.actions]


def _forms(html: str, known: Mapping[str, str]) -> list[_Form]:
    parser = _Forms(known)
    parser.feed(html)
    return parser.found


def _is_change_list(form: _Form) -> bool:
    return bool(form.actions)


def action(path: str, name: str, keys: tuple[str, ...]) -> Sent:
    """A change list's action on the rows with these keys."""
    fields = [("action", name), ("index", "0"), ("select_across", "0")]
    fields += [("_selected_action", key) for key in keys]
    return Sent(path=path, body=urlencode(fields), button=name)
