"""Have a PDF set: values in, bytes out, in a process of its own that is ended when it takes too long."""

import bisect
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FONTS = HERE / "fonts"
MOST_SECONDS = 40
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class NotSet(Exception):
    """A document could not be set; the message says why, for staff."""


def pdf(name: str, values: Mapping[str, Any]) -> bytes:
    """The document `name` with these values, as tagged PDF (PDF/UA-1). Raises NotSet."""
    return _set(name, values, form="pdf", page=0, ppi=None)


def picture(name: str, values: Mapping[str, Any], *, page: int = 0, ppi: float = 80) -> bytes:
    """One page of the document as PNG, to look at. Raises NotSet."""
    return _set(name, values, form="png", page=page, ppi=ppi)


def _set(name: str, values: Mapping[str, Any], *, form: str, page: int, ppi: float | None) -> bytes:
    asked = {
        # One text, so that typst needs no file and is given a folder without any.
        "source": (HERE / "house.typ").read_text() + (HERE / f"{name}.typ").read_text(),
        "values": printable(values),
        "fonts": str(FONTS),
        "format": form,
        "page": page,
        "ppi": ppi,
    }
    with tempfile.TemporaryDirectory() as empty:
        try:
            done = subprocess.run(
                [sys.executable, "-I", str(HERE / "typesetter.py")],
                input=json.dumps(asked).encode(),
                capture_output=True,
                cwd=empty,
                env=_ENVIRONMENT,
                timeout=MOST_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise NotSet(f"It took longer than {MOST_SECONDS} seconds.") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise NotSet(said[-400:] or f"The typesetter ended with {done.returncode}.")
    return done.stdout


# Nothing of the portal's own; and where typst would look for a package there is nobody.
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "RAYON_NUM_THREADS": "2",
    **dict.fromkeys(
        ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://0.0.0.0:9"
    ),
    **({"PATH": os.environ["PATH"]} if "PATH" in os.environ else {}),
}


def printable(value: Any) -> Any:
    """The value with every character that no vendored font can show replaced.

    A tagged PDF may hold no character without a shape, and one emoji must not cost a whole report.
    """
    if isinstance(value, str):
        return value if value.isascii() and value.isprintable() else "".join(map(_shown, value))
    if isinstance(value, Mapping):
        return {key: printable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [printable(each) for each in value]
    return value


def _coverage() -> tuple[list[int], list[int]]:
    """Firsts and lasts of the ranges of characters that the fonts have; `fonts/coverage.txt`."""
    lines = (FONTS / "coverage.txt").read_text().split()
    pairs = [line.split("-") for line in lines]
    return [int(first, 16) for first, _ in pairs], [int(last, 16) for _, last in pairs]


_FIRSTS, _LASTS = _coverage()


def _shown(character: str) -> str:
    if character in "\n\t":
        return character
    code = ord(character)
    place = bisect.bisect_right(_FIRSTS, code) - 1
    if place >= 0 and code <= _LASTS[place]:
        return character
    return "" if character in _UNSEEN else REPLACEMENT


_UNSEEN = frozenset(
    "\N{SOFT HYPHEN}\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}\N{WORD JOINER}"
    "\N{VARIATION SELECTOR-15}\N{VARIATION SELECTOR-16}\N{ZERO WIDTH NO-BREAK SPACE}\r"
)
