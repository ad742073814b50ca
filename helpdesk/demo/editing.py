"""What the editor of the demo does to the FAQ, day by day."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from helpdesk.demo.messages import AI_TOOLS, LUNCH, SAP
from helpdesk.demo.people import EDITOR
from helpdesk.new_home import ADMIN
from helpdesk.records import faq, faq_edit, faq_history, golden, labels
from helpdesk.records.faq_delete import delete_entry
from helpdesk.records.faq_edit import TypedEntry
from helpdesk.records.names import rename
from helpdesk.records.new_faq import label_with_new_faq
from helpdesk.text import slugify

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_HELD_OUT = 0.2  # of the labels
_FAX = "How do I send a fax?"
_PARKING = "How do I get a parking permit?"
_RECORDING = "Where are the recordings of meetings?"
Edit = Callable[["Session", Mapping[str, int], int], None]  # takes normalised text -> its message, and the editor's id


def _promise(session: "Session", messages: Mapping[str, int], staff_id: int) -> None:
    promises = {
        "forgot my password": "password_forgotten",
        "How do I set up the VPN?": "vpn_setup",
        "My mailbox is full": "mailbox_full",
        "should i buy shares in a car maker": None,
        "what should I cook tonight": None,
    }
    for text, slug in promises.items():
        golden.add(session, text, intent=slug, author=EDITOR)


def _reword(session: "Session", messages: Mapping[str, int], staff_id: int) -> None:
    _edit(
        session,
        "vpn_connect_fail",
        answer="Check that you are online without the VPN, then restart the VPN client. If it still fails, restart the "
        "computer and try again. The service desk needs the error number that the client shows.",
    )
    _edit(session, "wifi_guest", phrasings=("a customer needs internet in the meeting room", "wlan code for visitors"))


def _begin_drafts(session: "Session", messages: Mapping[str, int], staff_id: int) -> None:
    fax = TypedEntry(_FAX, "Use the multifunction printer on the ground floor.", tags=("printing",))
    faq_edit.create(session, fax, publish=True, author=EDITOR)
    parking = TypedEntry(_PARKING, phrasings=("parking space", "where do I park my car"))
    faq_edit.create(session, parking, publish=False, author=EDITOR)
    lunch = TypedEntry(LUNCH, "The menu is on the screen beside the canteen.", phrasings=("canteen menu",))
    faq_edit.create(session, lunch, publish=True, author=ADMIN)


def _write_from_messages(session: "Session", messages: Mapping[str, int], staff_id: int) -> None:
    written = (
        ("sap password", SAP, "Open the SAP portal, choose “Forgotten password”, confirm with your second factor."),
        ("recording of yesterdays meeting", _RECORDING, ""),
    )
    for text, question, answer in written:
        message = messages[text]
        seen = labels.newest_label(session, message)
        label_with_new_faq(
            session, message, question=question, answer=answer, staff_id=staff_id, holdout_share=_HELD_OUT, seen=seen
        )
    labels.label_message(
        session,
        messages["sandwich"],
        kind="intent",
        intent=slugify(LUNCH),
        staff_id=staff_id,
        holdout_share=_HELD_OUT,
    )


def _break_and_mend(session: "Session", messages: Mapping[str, int], staff_id: int) -> None:
    intent = faq.find_intent(session, "out_of_office")
    before = faq_history.newest(session, intent.id)
    _edit(session, intent.slug, answer="See the intranet.", author=ADMIN)
    session.flush()
    seen = faq_history.newest(session, intent.id)
    faq_edit.revert(session, intent, before, seen=seen, author=EDITOR)


def _answer_ai_tools(session: "Session", messages: Mapping[str, int], staff_id: int) -> None:
    typed = TypedEntry(
        AI_TOOLS,
        "The company assistant in the start menu may be used with all our data. Other tools may not see internal data.",
        tags=("software", "policy"),
        phrasings=("can i use chatgpt", "are we allowed to use ai tools", "is copilot allowed"),
    )
    faq_edit.create(session, typed, publish=True, author=EDITOR)


def _put_away(session: "Session", messages: Mapping[str, int], staff_id: int) -> None:
    fax = faq.find_intent(session, slugify(_FAX))
    faq_edit.change_state(session, fax, "archived", seen=faq_history.newest(session, fax.id), author=EDITOR)
    lunch = faq.find_intent(session, slugify(LUNCH))
    delete_entry(session, lunch, labels_to=None, seen=faq_history.newest(session, lunch.id), author=ADMIN)


def _share_a_text(session: "Session", messages: Mapping[str, int], staff_id: int) -> None:
    """One text that two entries have: whoever types it is asked which one is meant."""
    for slug in ("wifi_connect", "vpn_connect_fail"):
        _edit(session, slug, phrasings=("no internet since lunch",))


def _call_it_otherwise(session: "Session", messages: Mapping[str, int], staff_id: int) -> None:
    rename(session, faq.find_intent(session, "roaming"), "phone_abroad", author=EDITOR)


def _edit(
    session: "Session", slug: str, *, answer: str | None = None, phrasings: tuple[str, ...] = (), author: str = EDITOR
) -> None:
    intent = faq.find_intent(session, slug)
    typed = TypedEntry(
        intent.question,
        intent.answer if answer is None else answer,
        locale=intent.locale,
        tags=tuple(intent.tags),
        follow_ups=tuple(intent.follow_ups),
        urgent=intent.urgent,
        phrasings=phrasings,
    )
    faq_edit.edit(session, intent, typed, seen=faq_history.newest(session, intent.id), author=author)


EDITS_BY_DAY: Mapping[int, Edit] = {  # day -> what is done in the morning
    1: _promise,
    3: _begin_drafts,
    5: _reword,
    9: _write_from_messages,
    13: _break_and_mend,
    15: _answer_ai_tools,
    20: _put_away,
    23: _share_a_text,
    26: _call_it_otherwise,
}
