"""What people write in the inbox of the desk reaches the chats that do not ask for it themselves."""

from typing import Any

from sqlalchemy.orm import Session

from helpdesk.channels.chat_names import CHATWOOT_CHANNEL, CHATWOOT_REPLY, SLACK_CHANNEL, SLACK_REPLY
from helpdesk.records.deliveries import queue_person_reply
from helpdesk.records.tables import CaseReply, CaseRow, Conversation, Message


def queue_for_chat(session: Session, reply: CaseReply, text: str) -> None:
    """Queue a reply for the chat of its case, if that is Chatwoot or Slack; in the transaction that stores it.

    text: the reply without markup.
    """
    case = session.get_one(CaseRow, reply.case_id)
    talk, message = session.get_one(Conversation, case.conversation_id), session.get_one(Message, case.message_id)
    if talk.channel == CHATWOOT_CHANNEL:
        queue_person_reply(session, reply.id, CHATWOOT_REPLY, _for_chatwoot(talk, message, text))
    if talk.channel == SLACK_CHANNEL:
        queue_person_reply(session, reply.id, SLACK_REPLY, _for_slack(talk, message, text))


def _for_chatwoot(talk: Conversation, message: Message, text: str) -> dict[str, Any]:
    after = int((message.external_id or "0").partition(":")[0])
    return {"sender": talk.sender, "text": text, "choices": None, "after": after, "by_person": True}


def _for_slack(talk: Conversation, message: Message, text: str) -> dict[str, Any]:
    """Under the message that opened the case, except in a direct conversation, whose channel's name begins with D."""
    channel = talk.sender.split(":")[1]
    return {"channel": channel, "text": text, "thread": None if channel.startswith("D") else message.external_id}
