"""The house rules that a program can hold: who imports whom, how long a file is, what is explained."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal import env

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("portal", "incidents", "tenants")
MOST_LINES = 450


def modules(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(path for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts)


def everything() -> Iterator[Path]:
    return modules(*PACKAGES, "deploy", "bench", "tests")


def place(path: Path) -> str:
    return str(path.relative_to(ROOT))


def contracts() -> list[dict[str, object]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found: list[dict[str, object]] = settings["tool"]["importlinter"]["contracts"]
    return found


def test_imports_go_down_the_staircase_and_never_up(tmp_path: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert f"{len(contracts())} kept, 0 broken" in done.stdout


@pytest.mark.parametrize("package", ["incidents", "tenants"])
def test_every_module_stands_on_a_floor(package: str) -> None:
    """A new module must be given a layer, else nothing holds what it imports."""
    contract = next(
        each
        for each in contracts()
        if each["type"] == "layers" and str(each["layers"]).count(f"{package}.") > 2
    )
    layers = contract["layers"]
    assert isinstance(layers, list)
    named = {name.strip(" ()") for layer in layers for name in re.split(r"[:|]", layer)}
    children = {
        f"{package}.{path.stem}"
        for path in (ROOT / package).iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").exists())
        and path.stem not in {"__init__", "apps", "migrations"}
    }
    assert children - named == set(), "modules without a layer in pyproject.toml"
    assert named - children == set(), "layers without a module"


@pytest.mark.parametrize("path", list(everything()), ids=place)
def test_a_file_is_short_explained_and_imports_at_its_top(path: Path) -> None:
    text = path.read_text()
    lines = text.count("\n")
    assert lines <= MOST_LINES
    tree = ast.parse(text)
    if tree.body:
        explained = ast.get_docstring(tree)
        is_app = path.name == "apps.py"
        assert is_app or explained, "no module docstring"
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inside = [each for each in ast.walk(function) if isinstance(each, ast.Import | ast.ImportFrom)]
            assert inside == [], f"an import in a function, line {function.lineno}"
    for each in ast.walk(tree):
        if isinstance(each, ast.ImportFrom):
            assert each.level == 0, "a relative import"
            extends_settings = each.module == "portal.settings"
            assert extends_settings or all(name.name != "*" for name in each.names), "a star import"


SUPPRESSION = re.compile(r"#\s*(noqa|type:\s*ignore|pragma|mypy:|ruff:|pylint:|fmt:)(.*)")
WITH_CODE = re.compile(
    r"^(noqa: [A-Z]+\d+(, [A-Z]+\d+)*|type: ignore\[[a-z-]+(, [a-z-]+)*\]|fmt: (skip|off|on)$)"
)


@pytest.mark.parametrize("path", list(everything()), ids=place)
def test_a_silenced_rule_is_named(path: Path) -> None:
    if path == Path(__file__).resolve():
        return
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        found = SUPPRESSION.search(line)
        if found:
            words = line[found.start() :].lstrip("# ")
            assert WITH_CODE.match(words), f"line {number}: {words}"


def test_no_folder_is_for_everything() -> None:
    for path in everything():
        parts = {*path.relative_to(ROOT).parts[:-1], path.stem}
        assert not parts & {"utils", "util", "common", "helpers", "core", "misc"}, place(path)


def test_raw_sql_stands_only_where_it_is_expected() -> None:
    """Injected SQL could change the scope: each module that speaks SQL is named here, with care."""
    speaking = {
        place(path)
        for path in modules(*PACKAGES)
        if re.search(r"cursor\.execute\(|\.raw\(|RawSQL\(|\.extra\(", path.read_text())
    }
    assert speaking <= {
        "incidents/audiences.py",
        "incidents/operations/import_work.py",
        "incidents/operations/incidents.py",
        "incidents/operations/recoveries.py",
        "incidents/operations/reports.py",
        "incidents/queries/versions.py",
        "incidents/standings.py",
        "portal/health.py",
        "tenants/door.py",
        "tenants/rls.py",
        "tenants/scope.py",
        "tenants/catalogue/probes.py",
        "tenants/catalogue/reading.py",
    }


def test_statements_are_never_built_from_what_somebody_sent() -> None:
    """An SQL text may be put together only of names that its own module writes in capitals."""
    for path in modules(*PACKAGES):
        for call in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and ast.unparse(call.func) in {"cursor.execute", "reading.rows"}
                and isinstance(call.args[0], ast.JoinedStr)
            ):
                names = [
                    ast.unparse(part.value)
                    for part in call.args[0].values
                    if isinstance(part, ast.FormattedValue)
                ]
                assert all(name.isupper() for name in names), f"{place(path)}: {names}"


def test_templates_hold_no_script_no_style_and_no_unescaped_text_of_people() -> None:
    unescaped = set()
    for path in sorted((ROOT / "templates").rglob("*.html")):
        name = str(path.relative_to(ROOT / "templates"))
        text = path.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), name
        if not name.startswith("account/email/"):  # a mail has no style sheet of its own
            assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text), name
        if re.search(r"\|\s*safe\b|autoescape off", text):
            unescaped.add(name)
    assert unescaped <= {
        "web/incidents/answer.html",  # an update's text, sanitised when it was written
        "web/incidents/updates.html",
        "web/incidents/detail.html",  # the live part, rendered from a template
        "admin/post_update.html",
        "components/field.html",  # a form's own help text
    }


def settings_of(text: str) -> dict[str, str]:
    """Name → default of every row `| `NAME` | … |` of the settings table of a Markdown text."""
    rows = re.findall(r"^\|\s*`([A-Z_]+)`\s*\|\s*`?([^|`]*)`?\s*\|", text, flags=re.MULTILINE)
    return dict(rows)


def test_the_readme_has_a_row_for_every_setting_and_no_other() -> None:
    written = settings_of((ROOT / "README.md").read_text())
    assert set(written) == {setting.name for setting in env.SETTINGS}


def test_the_example_environment_names_every_setting_and_no_other() -> None:
    text = (ROOT / ".env.example").read_text()
    named = set(re.findall(r"^#?\s*([A-Z][A-Z_]+)=", text, flags=re.MULTILINE))
    assert named == {setting.name for setting in env.SETTINGS}
