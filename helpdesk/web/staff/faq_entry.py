"""One FAQ entry: its form, what would answer beside it, and what others have that is like it."""

from collections.abc import Sequence

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from helpdesk.errors import BadInputError, ConflictError, NotFoundError
from helpdesk.records import faq, faq_delete, faq_edit, faq_history
from helpdesk.records.clock import now
from helpdesk.records.faq_edit import EditedMeanwhileError, TypedEntry
from helpdesk.records.follow_ups import names_today
from helpdesk.records.roles import Role
from helpdesk.records.tables import Intent
from helpdesk.serving.alike import AlikeText, alike_texts
from helpdesk.text import normalise, visible
from helpdesk.web.context import row_id, service
from helpdesk.web.policy import requires
from helpdesk.web.staff.attempts import Attempt, shows_again
from helpdesk.web.staff.banner import ago
from helpdesk.web.staff.faq_try import tried

SHOWN = 100  # phrasings, and labels, of an entry
TYPED = ("question", "answer", "locale", "tags", "follow_ups", "urgent", "phrasings", "seen")
Fields = MultiDict[str, str]
blueprint = Blueprint("faq_entry", __name__, url_prefix="/desk/faq")


@blueprint.get("/new")
@requires(Role.EDITOR)
def new() -> Response:
    """The form of an entry that is not there yet; its question may come with the address."""
    return show_form(None, MultiDict({"question": request.args.get("question", "")}))


@blueprint.post("/new")
@requires(Role.EDITOR)
def create() -> AnyResponse:
    """Make an entry of what was typed."""
    publish, about_alike = _wish()
    try:
        typed = typed_entry(request.form)
        with service().database.write() as session:
            entry = faq_edit.create(session, typed, publish=publish, author=current_user.name)
            warnings = _settle(session, entry, [typed.question, *typed.phrasings], about_alike)
    except AskAboutAlikeError as asked:
        return show_form(None, request.form, alike=asked.alike, status=409)
    except (BadInputError, ConflictError) as error:
        return show_form(None, request.form, problem=str(error), status=_status(error))
    _say("Published." if publish else "Saved as a draft.", warnings)
    return redirect(url_for("faq_entry.page", entry_id=entry.id), 303)


@blueprint.get("/<int:entry_id>")
@requires(Role.VIEWER)
def page(entry_id: int) -> Response:
    """The entry as it is."""
    return show_form(entry_id, None)


@blueprint.post("/<int:entry_id>")
@requires(Role.EDITOR)
def save(entry_id: int) -> AnyResponse:
    """Make the entry what was typed, unless somebody else changed it since the form was opened."""
    publish, about_alike = _wish()
    try:
        typed, seen = typed_entry(request.form), saw(request.form)
        with service().database.write() as session:
            entry = faq_edit.find_entry(session, entry_id)
            asked = [] if normalise(typed.question) == normalise(entry.question) else [typed.question]
            known = {phrasing.normalised for phrasing in entry.phrasings}
            texts = [*asked, *(text for text in typed.phrasings if normalise(text) not in known)]
            changed = faq_edit.edit(session, entry, typed, seen=seen, author=current_user.name, publish=publish)
            warnings = _settle(session, entry, texts, about_alike)
    except AskAboutAlikeError as found:
        return show_form(entry_id, request.form, alike=found.alike, status=409)
    except EditedMeanwhileError as error:
        return show_form(entry_id, request.form, meanwhile=error, status=409)
    except (BadInputError, ConflictError, NotFoundError) as error:
        return show_form(entry_id, request.form, problem=str(error), status=_status(error))
    _say("Published." if publish else "Saved." if changed else "Nothing was different.", warnings)
    return redirect(url_for("faq_entry.page", entry_id=entry_id), 303)


@shows_again("faq_entry.create", "faq_entry.save", fields=TYPED)
def _again(attempt: Attempt, why: str, status: int) -> Response:
    return show_form(attempt.arguments.get("entry_id"), attempt.fields, problem=why, status=status)


@blueprint.post("/alike")
@requires(Role.EDITOR)
def alike() -> str:
    """What other entries have that is like what is being typed; the form asks while somebody types."""
    texts = [request.form.get("question", ""), *request.form.get("phrasings", "").splitlines()]
    short = [text for text in texts if text.strip() and len(text) <= faq.MAX_PHRASING]
    with service().database.read() as session:
        found = alike_texts(session, service().live.take(), short, apart_from=row_id(request.form.get("entry")))
    return render_template("faq_alike.html", alike=found, visible=visible)


def typed_entry(form: Fields) -> TypedEntry:
    """What the fields of a form say; phrasings are one a line, tags between commas."""
    tags = [tag.strip() for tag in form.get("tags", "").split(",")]
    lines = [line.strip() for line in form.get("phrasings", "").splitlines()]
    follow_ups = [line.strip() for line in form.get("follow_ups", "").splitlines()]
    return TypedEntry(
        question=form.get("question", "").strip(),
        answer="\n".join(form.get("answer", "").splitlines()).strip(),
        locale=form.get("locale", "").strip() or "en",
        tags=tuple(dict.fromkeys(tag for tag in tags if tag)),
        follow_ups=tuple(line for line in follow_ups if line),
        phrasings=tuple(line for line in lines if line),
        urgent=form.get("urgent") == "yes",
    )


def saw(form: Fields) -> int:
    """The last change of the entry that a form knew of."""
    seen = row_id(form.get("seen"))
    if seen is None:
        raise BadInputError("this form is out of date; go back, reload the page and send it again")
    return seen


def show_form(
    entry_id: int | None,
    typed: Fields | None,
    *,
    problem: str | None = None,
    meanwhile: EditedMeanwhileError | None = None,
    alike: Sequence[AlikeText] = (),
    status: int = 200,
) -> Response:
    """The page of an entry (None: of a new one), with what was typed in place of what is stored.

    alike: what others have of it, about which somebody must say what shall be.
    """
    with service().database.read() as session:
        entry = _find(session, entry_id, typed)
        last = None if entry is None else faq_history.last_two(session, entry.id)[0]
        context = {} if entry is None else _parts(session, entry)
        stored = _stored(session, entry)
    seen = last.id if last else 0
    if meanwhile is None and typed is not None and "seen" in typed:
        seen = row_id(typed["seen"]) or 0
    text = request.args.get("try", "")
    page = render_template(
        "faq_entry.html",
        entry=entry,
        typed=typed if typed is not None else stored,
        seen=seen,
        last=last,
        problem=problem,
        meanwhile=meanwhile,
        asked_about=alike,
        movable=any(_may_move(found) for found in alike),
        publishes=request.form.get("do", "").startswith("publish"),
        tried=tried(text) if text.strip() else None,
        text=text,
        longest=faq.MAX_PHRASING,
        longest_answer=faq.MAX_ANSWER,
        ago=lambda moment: ago(now() - moment),
        visible=visible,
        **context,
    )
    return make_response(page, status)


def _find(session: Session, entry_id: int | None, typed: Fields | None) -> Intent | None:
    """The entry; None of a new one, and where something was typed about one that is gone, which may be made anew."""
    if entry_id is None:
        return None
    try:
        return faq_edit.find_entry(session, entry_id)
    except NotFoundError:
        if typed is None:
            raise
        return None


def _parts(session: Session, entry: Intent) -> dict[str, object]:
    everything = request.args.get("all") == "1"
    phrasings = list(entry.phrasings)
    labels = faq_delete.labels_of(session, entry, limit=SHOWN)
    return {
        "state": faq.state(entry),
        "phrasings": phrasings if everything else phrasings[:SHOWN],
        "phrasings_left": 0 if everything else max(0, len(phrasings) - SHOWN),
        "phrasings_count": len(phrasings),
        "labels": labels,
        "shared": _shared(session, entry),
    }


def _shared(session: Session, entry: Intent) -> Sequence[AlikeText]:
    """Its texts that other entries have too."""
    return alike_texts(session, None, [phrasing.text for phrasing in entry.phrasings], apart_from=entry.id)


def _stored(session: Session, entry: Intent | None) -> Fields:
    if entry is None:
        return MultiDict({"locale": "en"})
    return MultiDict(
        {
            "question": entry.question,
            "answer": entry.answer,
            "locale": entry.locale,
            "tags": ", ".join(entry.tags),
            "follow_ups": "\n".join(names_today(session, entry.follow_ups)),
            "urgent": "yes" if entry.urgent else "",
        }
    )


class AskAboutAlikeError(Exception):
    """A text that was typed is another published entry's, or nearly; nothing is stored before somebody chooses."""

    def __init__(self, alike: Sequence[AlikeText]) -> None:
        self.alike = alike
        super().__init__(f"{len(alike)} texts are other entries' too")


def _wish() -> tuple[bool, str]:
    """Whether the form's button publishes, and what shall be with texts that others have: ask, `anyway` or `move`."""
    button, _, about_alike = request.form.get("do", "").partition("+")
    return button == "publish", about_alike


def _settle(session: Session, entry: Intent, texts: Sequence[str], about_alike: str) -> list[AlikeText]:
    """What others have of the texts of an entry. Raises AskAboutAlikeError for one that is published, while nobody has
    said what shall be with that; `move` takes the very same texts away from the others."""
    found = _warnings(session, entry, texts)
    published = [alike for alike in found if alike.status == "published"]
    if published and entry.status == "published" and about_alike not in ("anyway", "move"):
        raise AskAboutAlikeError(published)
    if about_alike != "move":
        return found
    for alike in filter(_may_move, published):
        other = faq_edit.find_entry(session, alike.entry_id)
        same = [phrasing.id for phrasing in other.phrasings if phrasing.normalised == normalise(alike.typed)]
        for number in same:
            faq_edit.remove_phrasing(session, other, number, text=alike.typed, author=current_user.name)
    return [alike for alike in found if not _may_move(alike)]


def _may_move(alike: AlikeText) -> bool:
    """Whether it is the very same text, and not the question that the other entry is about."""
    return alike.same and normalise(alike.typed) != normalise(alike.question)


def _warnings(session: Session, entry: Intent, texts: Sequence[str]) -> list[AlikeText]:
    session.flush()
    return alike_texts(session, service().live.take(), texts, apart_from=entry.id)


def _say(said: str, warnings: Sequence[AlikeText]) -> None:
    flash(said)
    for found in warnings[:5]:
        has = "has this text too" if found.same else f"has nearly the same: “{found.text}”"
        flash(visible(f"“{found.typed}”: “{found.question}” {has}."), "warning")


def _status(error: Exception) -> int:
    return 400 if isinstance(error, BadInputError) else 409
