"""The named errors of every room. The command line prints them in one line, the web as problem+json."""

from enum import StrEnum


class HelpdeskError(Exception):
    """Anything the user or operator can act on; the message says what was wrong and what was expected."""


class BadInputError(HelpdeskError):
    """A value from outside is not what was expected."""


class BadRowsError(BadInputError):
    """Rows of a file were refused; `rows` holds (line number, reason) pairs."""

    def __init__(self, rows: list[tuple[int, str]]) -> None:
        self.rows = rows
        lines = "\n".join(f"line {line}: {reason}" for line, reason in rows)
        super().__init__(f"{len(rows)} bad row(s), nothing was written:\n{lines}")


class NotFoundError(HelpdeskError):
    """The named thing does not exist."""


class ConflictError(HelpdeskError):
    """The request contradicts something already stored."""


class BundleError(HelpdeskError):
    """A bundle is damaged, incomplete, or of another format."""


class NoVersionError(HelpdeskError):
    """There are versions, and none of them can be used now; the message is for everybody."""


class BehindError(HelpdeskError):
    """A conversation was answered under a newer promotion, `promotion_id`, than this process has followed."""

    def __init__(self, promotion_id: int) -> None:
        self.promotion_id = promotion_id
        super().__init__(f"this conversation was answered under promotion {promotion_id}, which is newer")


class BusyError(HelpdeskError):
    """Another process holds the lock."""


class BudgetError(HelpdeskError):
    """Memory or disk would run out; the message says how much there is and how much is needed."""


class TooManyError(HelpdeskError):
    """Somebody does this too often; `seconds` says how long to wait."""

    def __init__(self, message: str, *, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(message)


class DatabaseFault(StrEnum):
    """What keeps a database from working, in words that tell no host and no path."""

    UNREACHABLE = "does not answer"
    ABSENT = "cannot be reached"  # nothing listens there, or says nothing, or is just being started
    LOCKED = "is locked"
    FULL = "cannot grow: the disk is full"
    READ_ONLY = "cannot be written"
    DAMAGED = "is damaged"
    OTHER_SCHEMA = "has another schema"


class UnavailableError(HelpdeskError):
    """The service cannot do this now; trying again later may work."""

    def __init__(self, message: str, *, fault: DatabaseFault = DatabaseFault.UNREACHABLE) -> None:
        self.fault = fault
        super().__init__(message)
