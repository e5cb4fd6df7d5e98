"""The recovery curve as a picture of its own: the page's drawing, with its colours written into it."""

import re

from django.template import loader

from incidents.queries.shapes import CohortFacts, OwnRecovery
from portal.web import curve_drawing
from portal.web.curve_drawing import BOX

WIDTH, HEIGHT = 700, 300
LEFT, TOP, RIGHT, BELOW = 40, 34, 24, 30
STYLE = """
text { fill: #50565f; font-family: "Noto Sans"; font-size: 12px; }
.curve__grid { stroke: #e4e4df; stroke-width: 1; }
.curve__level { stroke: #80858e; stroke-width: 1; stroke-dasharray: 3 4; }
.curve__base { stroke: #80858e; stroke-width: 1; }
.curve__tail { fill: #fdf1da; }
.curve__tail-name { fill: #7b4700; font-weight: bold; }
.curve__under { fill: #eef1fc; }
.curve__line { fill: none; stroke: #2344b8; stroke-width: 2.5; stroke-linejoin: round; }
.curve__drop { stroke: #2344b8; stroke-width: 1; stroke-dasharray: 2 3; }
.curve__dot { fill: #2344b8; stroke: #ffffff; stroke-width: 2; }
.curve__mark { fill: #ffffff; stroke: #50565f; stroke-width: 2; }
.curve__said { stroke: #50565f; stroke-width: 1.5; stroke-dasharray: 6 4; }
.curve__here { fill: #15181e; stroke: #ffffff; stroke-width: 3; }
.curve__here--open { fill: #ffffff; stroke: #15181e; }
.curve__name { fill: #15181e; font-weight: bold; paint-order: stroke; stroke: #ffffff; stroke-width: 4px; }
"""
"""What components.css gives the drawing in light, without variables, which no picture has."""


def picture(cohort: CohortFacts, recovery: OwnRecovery, *, zone: str) -> tuple[str, str] | None:
    """(SVG, what it shows in words); None where there is no curve to draw."""
    drawing = curve_drawing.draw_curve(cohort, recovery, (), zone=zone, as_of=recovery.as_of)
    if drawing is None:
        return None
    html = loader.render_to_string(
        "components/curve_svg.html", {"drawing": drawing, "cohort": cohort, "zone": zone}
    )
    said = re.search(r"<desc[^>]*>(.*?)</desc>", html, re.DOTALL)
    inside = html[html.index(">", html.index("<svg")) + 1 : html.rindex("</svg>")]
    plot_width, plot_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BELOW
    across, down = plot_width / BOX, plot_height / BOX
    inside = _STRETCHED.sub(
        lambda found: f"{found[1]}{_to_scale(found[2], across, down)}{found[3]}",
        inside,
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}"><style>{STYLE}</style>'
        f'<svg x="{LEFT}" y="{TOP}" width="{plot_width}" height="{plot_height}" overflow="visible">'
        f"{inside}</svg></svg>"
    )
    words = said[1].replace(" The same numbers are in the table below.", "") if said else ""
    return svg, " ".join(words.split())


# The page stretches these drawings and keeps their strokes as they are, which no picture can.
_STRETCHED = re.compile(r'<svg viewBox="0 0 1000 1000"[^>]*>(<path [^>]*?d=")([^"]*)("[^>]*/>)</svg>')
_STROKE = re.compile(r"([MhvHVZ])(-?\d+)?(?: (-?\d+))?")


def _to_scale(path: str, across: float, down: float) -> str:
    """A path of level and upright strokes in the units of the picture."""

    def stroke(found: re.Match[str]) -> str:
        command, first, second = found.groups()
        if first is None:
            return command
        if second is not None:
            return f"{command}{int(first) * across:.2f} {int(second) * down:.2f}"
        return f"{command}{int(first) * (across if command in 'hH' else down):.2f}"

    return _STROKE.sub(stroke, path)
