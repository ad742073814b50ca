"""The map of phrasings: which entries are about the same thing, by the vectors that serve."""

import colorsys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, render_template

from helpdesk.errors import UnavailableError
from helpdesk.records import names
from helpdesk.records.files.spreadsheets import write_table
from helpdesk.records.roles import Role
from helpdesk.serving.live import Live
from helpdesk.serving.phrasing_map import PhrasingMap, map_phrasings
from helpdesk.text import visible
from helpdesk.web.context import service
from helpdesk.web.policy import requires

WIDTH, HEIGHT, EDGE = 1000, 640, 12
NAMED = 12  # entries with a name in the legend: those with the most phrasings
OVERLAPS_SHOWN = 25
_GOLDEN_ANGLE = 0.381966
blueprint = Blueprint("report_map", __name__, url_prefix="/desk/report")


@dataclass(frozen=True)
class Dots:
    """The phrasings of one entry, in the units of the drawing."""

    question: str
    colour: str
    places: list[tuple[float, float]]


@blueprint.get("/map")
@requires(Role.VIEWER)
def page() -> str:
    """The drawing, and the entries that overlap most."""
    live = service().live.take()
    if live is None:
        return render_template("report_map.html", drawn=None)
    found = map_phrasings(live)
    with service().database.read() as session:
        questions = names.questions(session, [point.intent for point in found.points])
        numbers = names.ids(session, list(questions))
    return render_template(
        "report_map.html",
        drawn=found,
        dots=_dots(found, questions),
        named=NAMED,
        width=WIDTH,
        height=HEIGHT,
        overlaps=found.overlaps[:OVERLAPS_SHOWN],
        questions=questions,
        numbers=numbers,
        version=live.version_id,
        visible=visible,
    )


@blueprint.get("/overlaps.csv")
@requires(Role.VIEWER)
def overlaps() -> Response:
    """All pairs of entries that overlap."""
    found = map_phrasings(_serving())
    with service().database.read() as session:
        questions = names.questions(session, [slug for one in found.overlaps for slug in one.intents])
    columns = ("FAQ", "question", "other FAQ", "other question", "phrasings among the other's", "of", "similarity")
    rows = (
        (
            one.intents[0],
            questions.get(one.intents[0], ""),
            one.intents[1],
            questions.get(one.intents[1], ""),
            one.among,
            one.phrasings,
            one.similarity,
        )
        for one in found.overlaps
    )
    response = Response(write_table(columns, rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="helpdesk-overlaps.csv"'
    return response


def _serving() -> Live:
    live = service().live.take()
    if live is None:
        raise UnavailableError("no version serves, so there are no phrasings to compare")
    return live


def _dots(found: PhrasingMap, questions: Mapping[str, str]) -> list[Dots]:
    """One group an entry, those with the most phrasings first; each has a colour of its own, whatever the others do."""
    order = [slug for slug, _ in Counter(point.intent for point in found.points).most_common()]
    dots = {slug: Dots(questions.get(slug, slug), _colour(place), []) for place, slug in enumerate(order)}
    for point in found.points:
        x, y = EDGE + point.x * (WIDTH - 2 * EDGE), EDGE + (1 - point.y) * (HEIGHT - 2 * EDGE)
        dots[point.intent].places.append((round(x, 1), round(y, 1)))
    return list(dots.values())


def _colour(number: int) -> str:
    """Hues that differ as much as can be, of a lightness that is seen on white and on black."""
    red, green, blue = colorsys.hls_to_rgb(number * _GOLDEN_ANGLE % 1, 0.48, 0.62)
    return f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"
