"""Whether settings are right: a made-up case for each receiver, and a call that changes nothing to each chat."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from helpdesk.channels.calls import CallError, call_json
from helpdesk.channels.courier import case_receivers
from helpdesk.errors import HelpdeskError
from helpdesk.records.case_content import CaseContent, CaseTurn
from helpdesk.records.clock import now
from helpdesk.settings import Settings

_FOR_NO_BOTS = "not authorized for bots"  # what Chatwoot answers to a bot's token that it knows


@dataclass(frozen=True)
class Trial:
    """What came of one. failed: why it did not work, None when it did; told: what it became there."""

    name: str
    failed: str | None
    told: str


def try_receivers(settings: Settings) -> list[Trial]:
    """Send a case to every receiver of cases from any channel."""

    def sender(name: str) -> Callable[[], str]:
        send = case_receivers(settings)[name].send
        return lambda: f"sent, {send(_made_up(), key=f'hd-{uuid4().hex}', again=False)}"

    return [_try(name, sender(name)) for name in settings.receivers]


def try_chats(settings: Settings) -> list[Trial]:
    """Ask every chat that replies are posted to who we are there, and name those that cannot be asked."""
    found = [_try("chatwoot", lambda: _ask_chatwoot(settings))] if settings.chatwoot_url else []
    found += [_try("slack", lambda: _ask_slack(settings))] if settings.slack_signing_secret else []
    untested = "not tested, nothing is sent to it: write a message to the bot there"
    return [*found, *(Trial(name, None, untested) for name in settings.answering_chats)]


def _try(name: str, act: Callable[[], str]) -> Trial:
    try:
        return Trial(name, None, act())
    except HelpdeskError as error:
        return Trial(name, str(error), "")


def _ask_chatwoot(settings: Settings) -> str:
    """A bot may not read a profile, and is told so when its token is known; an agent may."""
    token, agent = settings.chatwoot_token, settings.chatwoot_lookup_token
    try:
        name = _profile(settings, token.get_secret_value() if token else "")
        told = f"works, but HELPDESK_CHATWOOT_TOKEN is that of the agent {name}; expected that of the bot"
    except CallError as error:
        if _FOR_NO_BOTS not in error.said:
            raise
        told = "the bot's token works"
    if agent is None:
        return told
    try:
        return f"{told}; the lookup token is that of {_profile(settings, agent.get_secret_value())}"
    except CallError as error:
        raise CallError(f"{told}; the lookup token does not: {error}") from None


def _profile(settings: Settings, token: str) -> str:
    found = call_json("GET", f"{settings.chatwoot_url}/api/v1/profile", headers={"api_access_token": token}).json()
    if not isinstance(found, dict) or not isinstance(name := found.get("name"), str):
        raise CallError("it did not answer with a profile")
    return name[:80]


def _ask_slack(settings: Settings) -> str:
    token = settings.slack_token
    headers = {"Authorization": f"Bearer {token.get_secret_value() if token else ''}"}
    said = call_json("POST", f"{settings.slack_url}/api/auth.test", headers=headers, data={}).json()
    if not isinstance(said, dict) or said.get("ok") is not True:
        raise CallError(f"Slack refused the token: {str(said.get('error') if isinstance(said, dict) else said)[:80]}")
    who = f"{str(said.get('user'))[:80]} of {str(said.get('team'))[:80]}"
    return f"the token works, it is that of {who}; the signing secret shows with the first event"


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
