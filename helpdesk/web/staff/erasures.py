"""What was erased, and the button that erases a conversation or a person."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response

from helpdesk.errors import BadInputError, BusyError, ConflictError, NotFoundError
from helpdesk.records.certificates import write_certificate
from helpdesk.records.erasure import CONVERSATION, SENDER, ErasureScope, erase, list_erasures
from helpdesk.records.pruning import NOBODY
from helpdesk.records.roles import Role
from helpdesk.records.tables import Conversation
from helpdesk.web.context import service
from helpdesk.web.policy import requires

blueprint = Blueprint("erasures", __name__, url_prefix="/desk")


@blueprint.get("/erasures")
@requires(Role.ADMIN)
def page() -> str:
    """Every certificate, newest first."""
    with service().database.read() as session:
        rows = list_erasures(session)
    return render_template("erasures.html", rows=rows, days=service().settings.retention_days)


@blueprint.post("/conversations/<int:conversation_id>/erase")
@requires(Role.ADMIN)
def erase_conversation(conversation_id: int) -> Response:
    """Erase a conversation, or everything of its sender on every channel; the form says which, and that it is meant."""
    what = request.form.get("what", "")
    if what not in (CONVERSATION, SENDER) or request.form.get("sure") != "yes":
        raise BadInputError("nothing was erased; expected what to erase, and the tick that says that it is meant")
    home, number = service().settings.home, conversation_id
    try:
        with service().database.write() as session:
            sender = session.scalar(select(Conversation.sender).where(Conversation.id == number))
            if sender is None or sender == NOBODY:
                raise NotFoundError(f"no conversation {conversation_id} of somebody")
            wanted = ErasureScope(what, sender=sender) if what == SENDER else ErasureScope(what, number=number)
            row = erase(session, wanted, author=current_user.name, home=home)
    except BusyError as error:
        raise ConflictError(str(error)) from error
    write_certificate(home, row)
    flash("Erased. The next night overwrites the freed pages and builds a version without it.")
    return redirect(url_for("erasures.page"), 303)
