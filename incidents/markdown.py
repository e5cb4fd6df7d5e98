"""Markdown as staff write it, to HTML that is safe to show anywhere."""

import nh3
from markdown_it import MarkdownIt

_TAGS = {"p", "br", "strong", "em", "code", "pre", "ul", "ol", "li", "blockquote", "h3", "h4", "a", "hr", "s"}
_TAGS |= {"table", "thead", "tbody", "tr", "th", "td"}
_PARSER = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
_HEADINGS = {"h1": "h3", "h2": "h3", "h5": "h4", "h6": "h4"}


def to_html(markdown: str) -> str:
    """Sanitised HTML: no images, no raw HTML, links only to http, https and mailto.

    No attribute but an address holds words of the text, so that what is filled in later stands in none.
    Headings become h3 and h4, because a text stands inside a page that has its own.
    """
    tokens = _PARSER.parse(markdown)
    for token in tokens:
        token.tag = _HEADINGS.get(token.tag, token.tag)
    rendered = _PARSER.renderer.render(tokens, _PARSER.options, {})
    return nh3.clean(
        rendered,
        tags=_TAGS,
        attributes={"*": set(), "a": {"href"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )
