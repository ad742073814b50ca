"""A made-up case for each receiver, to see whether its settings are right."""

from uuid import uuid4

from helpdesk.channels.courier import case_receivers
from helpdesk.errors import HelpdeskError
from helpdesk.records.case_content import CaseContent, CaseTurn
from helpdesk.records.clock import now
from helpdesk.settings import Settings


def try_receivers(settings: Settings) -> list[tuple[str, str | None, str]]:
    """(receiver, what went wrong or None, what it became there) of every receiver of cases from any channel."""
    return [(name, *_try(settings, name)) for name in settings.receivers]


def _try(settings: Settings, name: str) -> tuple[str | None, str]:
    try:
        return None, case_receivers(settings)[name].send(_made_up(), key=f"hd-{uuid4().hex}", again=False)
    except HelpdeskError as error:
        return str(error), ""


def _made_up() -> CaseContent:
    moment = now()
    said = CaseTurn(moment, "This is a test of the hand-over. Nobody waits for an answer.", "did not know")
    return CaseContent(
        case_id=0,
        conversation_id=0,
        channel="test",
        sender="helpdesk handover test",
        reason="asked",
        urgent=False,
        opened_at=moment,
        transcript=(said,),
        question=said.text,
        guesses=(),
    )
