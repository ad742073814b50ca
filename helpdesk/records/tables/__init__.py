"""Every table. Rows are facts: nothing here decides, matches or learns."""

from helpdesk.records.tables.base import Table, UtcDateTime
from helpdesk.records.tables.cases import CaseReason, CaseReply, CaseRow, CaseState
from helpdesk.records.tables.deliveries import CaseEvent, DeliveryRow, DeliveryState
from helpdesk.records.tables.erasures import ErasureRow
from helpdesk.records.tables.faq import (
    AdditionVector,
    Example,
    FaqChange,
    FaqRevision,
    FormerName,
    GoldenPhraseRow,
    Intent,
    Phrasing,
)
from helpdesk.records.tables.keys import ApiKey
from helpdesk.records.tables.operations import DataCheck, HeartbeatRow, Lease, Night, Promotion, Version
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
from helpdesk.records.tables.protection import KeptOut, RateCount, StageLatency, WriteProbe
from helpdesk.records.tables.traffic import (
    AskedText,
    Conversation,
    CountedDay,
    DayTotal,
    DecisionRow,
    FeedbackRow,
    FlipRow,
    Message,
)
from helpdesk.records.tables.uploads import Upload, UploadedFile

__all__ = [
    "AdditionVector",
    "ApiKey",
    "AskedText",
    "AuditLogRow",
    "CardLease",
    "CaseEvent",
    "CaseReason",
    "CaseReply",
    "CaseRow",
    "CaseState",
    "Conversation",
    "CountedDay",
    "DataCheck",
    "DayTotal",
    "DecisionRow",
    "DeliveryRow",
    "DeliveryState",
    "ErasureRow",
    "Example",
    "ExclusionRow",
    "FaqChange",
    "FaqRevision",
    "FeedbackRow",
    "FlipRow",
    "FormerName",
    "GoldenPhraseRow",
    "HeartbeatRow",
    "Intent",
    "KeptOut",
    "Label",
    "Lease",
    "LoginFailure",
    "Message",
    "Night",
    "OneTimeLink",
    "Phrasing",
    "Promotion",
    "RateCount",
    "SignIn",
    "Staff",
    "StageLatency",
    "Table",
    "Upload",
    "UploadedFile",
    "UtcDateTime",
    "Version",
    "WriteProbe",
]
