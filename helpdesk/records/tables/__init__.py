"""Every table. Rows are facts: nothing here decides, matches or learns."""

from helpdesk.records.tables.base import Table, UtcDateTime
from helpdesk.records.tables.faq import Example, FaqChange, FaqRevision, FormerName, GoldenPhraseRow, Intent, Phrasing
from helpdesk.records.tables.keys import ApiKey
from helpdesk.records.tables.operations import HeartbeatRow, Lease, Night, Promotion, Version
from helpdesk.records.tables.people import (
    AuditLogRow,
    CardLease,
    ExclusionRow,
    Label,
    LoginFailure,
    OneTimeLink,
    SignIn,
    Staff,
)
from helpdesk.records.tables.traffic import AskedText, Conversation, CountedDay, DayTotal, DecisionRow, FlipRow, Message
from helpdesk.records.tables.uploads import Upload, UploadedFile

__all__ = [
    "ApiKey",
    "AskedText",
    "AuditLogRow",
    "CardLease",
    "Conversation",
    "CountedDay",
    "DayTotal",
    "DecisionRow",
    "Example",
    "ExclusionRow",
    "FaqChange",
    "FaqRevision",
    "FlipRow",
    "FormerName",
    "GoldenPhraseRow",
    "HeartbeatRow",
    "Intent",
    "Label",
    "Lease",
    "LoginFailure",
    "Message",
    "Night",
    "OneTimeLink",
    "Phrasing",
    "Promotion",
    "SignIn",
    "Staff",
    "Table",
    "Upload",
    "UploadedFile",
    "UtcDateTime",
    "Version",
]
