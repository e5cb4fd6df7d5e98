"""Sanitised HTML as a tree of plain parts, which a document shows as what they are.

The HTML is our own (`incidents.markdown`), so what is not known here is shown as its text alone.
"""

import re
from collections.abc import Callable, Collection
from html.parser import HTMLParser
from typing import Any

Part = dict[str, Any]

DEEPEST = 10
"""So many parts inside each other are shown as such; what is deeper stands beside them."""
WIDEST = 12
"""Columns of a table that fit on a page; what is beyond stands in the last one."""
NARROWEST = 6
"""The letters that the narrowest column of a table has room for; the widest is at most 8 times as wide."""
LINE, LONGEST = 85, 60
"""Letters of a line, about, and of the longest word that is surely on one."""
_INLINE = {"strong": "strong", "b": "strong", "em": "em", "i": "em", "s": "s", "del": "s", "a": "a"}
_HEADINGS = {"h3": 3, "h4": 4}
_SCHEMES = ("https://", "http://", "mailto:")
_WHITE = re.compile(r"[ \t\r\n\f]+")
_RTL = range(0x0590, 0x08FF + 1)


def blocks(html: str, *, footnotes: Collection[int] = (), under: int = 0) -> list[Part]:
    """The blocks of a text in order; links to one of `footnotes` become marks of it.

    Headings go below one of level `under` and leave out no level; without one they are bold words.
    """
    reader = _Reader(footnotes)
    reader.feed(html)
    reader.close()
    found = reader.done()
    deepest = under
    for part in found:
        if part["t"] == "h":
            part["level"] = deepest = min(part["level"] - 2 + under, deepest + 1)
            if not under:
                part.update(t="p", c=[{"t": "strong", "c": part["c"]}])
    return found


class _Reader(HTMLParser):
    """Keeps a stack of open parts. `c` holds what is inside a part, blocks or inline parts."""

    def __init__(self, footnotes: Collection[int]) -> None:
        super().__init__(convert_charrefs=True)
        self._footnotes = footnotes
        self._root: Part = {"t": "root", "c": []}
        self._open: list[tuple[str, Part]] = [("", self._root)]
        self._skipped = 0
        """How many elements are open of which nothing is shown."""

    def done(self) -> list[Part]:
        return _as_blocks(self._root["c"])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if self._skipped or given.get("class") == "visually-hidden":
            self._skipped += tag not in {"br", "hr"}
            return
        if tag in {"br", "hr"}:
            self._add({"t": tag})
            return
        part: Part = {"t": _INLINE.get(tag, tag), "c": []}
        if tag == "a":
            part["href"] = self._address(given.get("href") or "")
        if tag == "ol":
            start = given.get("start") or ""
            part["start"] = int(start) if start.isdecimal() and len(start) < 7 else 1
        self._add(part)
        self._open.append((tag, part))

    def handle_endtag(self, tag: str) -> None:
        if self._skipped:
            self._skipped -= 1
            return
        if tag in {name for name, _part in self._open[1:]}:
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self._add_text(data)

    def _address(self, href: str) -> str:
        """A mark of a footnote that there is not leads nowhere."""
        number = href.removeprefix("#footnote-")
        is_lost = number != href and not (number.isdecimal() and int(number) in self._footnotes)
        return "" if is_lost else href

    def _add_text(self, data: str) -> None:
        self._open[-1][1]["c"].append(data)

    def _add(self, part: Part) -> None:
        self._open[-1][1]["c"].append(part)


def _as_blocks(parts: list[Any], depth: int = 0) -> list[Part]:
    """Blocks of a mixture: runs of inline parts become paragraphs."""
    found: list[Part] = []
    run: list[Any] = []

    def end_run() -> None:
        inline = _as_inline(run)
        if any(not isinstance(each, str) or each.strip() for each in inline):
            found.append(_paragraph(inline))
        run.clear()

    for part in parts:
        block = None if isinstance(part, str) else _block(part, depth)
        if block is None:
            run.append(part)
        else:
            end_run()
            found += block
    end_run()
    return found


def _block(part: Part, depth: int) -> list[Part] | None:
    """The blocks that a part is; None where it is inline."""
    make = _BLOCKS.get(part["t"])
    return None if make is None else make(part, depth)


def _plain_block(part: Part, depth: int) -> list[Part]:
    return _as_blocks(part["c"], depth) if _holds_blocks(part) else [_paragraph(_as_inline(part["c"]))]


def _heading(part: Part, depth: int) -> list[Part]:
    words = _as_inline(part["c"])
    if depth:
        return [_paragraph([{"t": "strong", "c": words}])]
    return [{"t": "h", "level": _HEADINGS[part["t"]], "c": words}]


def _list(part: Part, depth: int) -> list[Part]:
    given = (part_of if not isinstance(part_of, str) else {"c": [part_of]} for part_of in part["c"])
    items = [each for each in given if _text(each).strip()]
    if depth >= DEEPEST:
        return _as_blocks([inner for item in items for inner in item["c"]], depth)
    shown = [_as_blocks(item["c"], depth + 1) for item in items]
    return [{"t": part["t"], "start": part.get("start", 1), "items": shown}]


def _quote(part: Part, depth: int) -> list[Part]:
    inside = _as_blocks(part["c"], min(depth + 1, DEEPEST))
    return inside if depth >= DEEPEST else [{"t": "quote", "c": inside}]


_BLOCKS: dict[str, Callable[[Part, int], list[Part]]] = {
    "p": _plain_block,
    "h3": _heading,
    "h4": _heading,
    "ul": _list,
    "ol": _list,
    "blockquote": _quote,
    "pre": lambda part, _depth: [{"t": "pre", "text": _text(part).rstrip("\n")}],
    "hr": lambda _part, _depth: [{"t": "hr"}],
    "table": lambda part, _depth: [_table(part)],
}


def _holds_blocks(part: Part) -> bool:
    return any(not isinstance(each, str) and each["t"] in {"table", "ul", "ol", "pre"} for each in part["c"])


def _paragraph(inline: list[Any]) -> Part:
    said = "".join(_text(each) for each in inline)
    first = next((letter for letter in said if letter.isalpha()), "")
    found: Part = {"t": "p", "c": inline}
    if first and ord(first) in _RTL:
        found["rtl"] = True
    if breaks := _breaks(said, LONGEST):
        found["breaks"] = breaks
    return found


def _as_inline(parts: list[Any]) -> list[Any]:
    found: list[Any] = []
    for part in parts:
        if isinstance(part, str):
            # White space is one space, as in HTML: typst would end the line there.
            found.append(_WHITE.sub(" ", part))
        elif part["t"] == "br":
            found.append({"t": "br"})
        elif part["t"] == "code":
            found.append({"t": "code", "text": _text(part)})
        elif part["t"] == "a":
            found += _link(part)
        elif part["t"] in {"strong", "em", "s"}:
            found.append({"t": part["t"], "c": _as_inline(part["c"])})
        else:
            found += _as_inline(part["c"])
    return found


def _link(part: Part) -> list[Any]:
    href = str(part["href"])
    if href.startswith("#footnote-"):
        return [{"t": "mark", "to": href[1:], "text": _text(part)}]
    words = _as_inline(part["c"])
    return [{"t": "a", "href": href, "c": words}] if href.startswith(_SCHEMES) and words else words


def _table(part: Part) -> Part:
    rows = [
        [_as_inline(cell["c"]) for cell in row["c"] if not isinstance(cell, str)] for row in _rows_of(part)
    ]
    count = min(max((len(row) for row in rows), default=1), WIDEST)
    filled = [_row(row, count) for row in rows]
    return {
        "t": "table",
        "columns": _columns(filled, count),
        "head": filled[0] if filled else [[]],
        "rows": filled[1:],
    }


def _columns(rows: list[list[list[Any]]], count: int) -> list[dict[str, int]]:
    """Of each column its share of the width, by its longest cell, and `breaks` as `_breaks` says."""
    said = [["".join(_text(part) for part in row[place]) for row in rows] for place in range(count)]
    shares = [min(max([NARROWEST, *map(len, cells)]), NARROWEST * 8) for cells in said]
    # Of more than five columns the letters are smaller.
    line = LINE if count <= 5 else LINE * 10 // 8
    return [
        {"share": share, "breaks": _breaks(" ".join(cells), max(line * share // sum(shares) - 2, 3))}
        for share, cells in zip(shares, said, strict=True)
    ]


def _breaks(said: str, fits: int) -> int:
    """From how many letters on a word may be broken anywhere; 0 where every word fits, the usual case."""
    return fits if max(map(len, said.split()), default=0) > fits else 0


def _row(cells: list[list[Any]], columns: int) -> list[list[Any]]:
    """So many cells: empty ones where some are missing, and in the last one all that do not fit."""
    last = [each for cell in cells[columns:] for each in (" · ", *cell)]
    fitting = [*cells[:columns], *([[]] * (columns - len(cells)))]
    return [*fitting[:-1], [*fitting[-1], *last]]


def _rows_of(part: Part) -> list[Part]:
    found: list[Part] = []
    for each in part["c"]:
        if not isinstance(each, str):
            found += [each] if each["t"] == "tr" else _rows_of(each)
    return found


def _text(part: Any) -> str:
    if isinstance(part, str):
        return part
    return "".join(_text(each) for each in part["c"]) if "c" in part else str(part.get("text", ""))
