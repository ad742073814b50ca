"""What a database refused, in one line that says what to do."""

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError

from helpdesk.errors import DatabaseFault

FILE_GONE = "the database file is gone"
_ADVICE = {  # what the driver says -> what helps
    "is not a database": "is no SQLite database; move the file away, or name another in HELPDESK_DATABASE_URL",
    "is malformed": "is damaged; restore it from a backup",
    "is full": "cannot grow: the disk is full; free some space there",
    "disk I/O error": "cannot be written: the disk is full or fails; free some space there",
    "readonly database": "cannot be written; give this user the right to write the file and its folder",
    FILE_GONE: "is not there, or not in a folder that this user may read; put the file back, restore a backup, or run "
    "`helpdesk init`",
    "unable to open database file": "cannot be opened; expected a file that this user may write",
    "no such table": "lacks a table; run `helpdesk db upgrade`",
    "no such column": "lacks a column; run `helpdesk db upgrade`",
    "UndefinedTable": "lacks a table; run `helpdesk db upgrade`",
    "UndefinedColumn": "lacks a column; run `helpdesk db upgrade`",
    "DiskFull": "cannot grow: the disk is full; free some space there",
    "ReadOnlySqlTransaction": "takes no writes; is it a replica?",
    "IdleInTransactionSessionTimeout": "ended a transaction in which nothing happened; this process stood still",
    "InsufficientPrivilege": "refused it; give this user the rights on all tables",
}


_FAULTS = {
    FILE_GONE: DatabaseFault.ABSENT,
    "the database system is starting up": DatabaseFault.ABSENT,
    "FATAL": DatabaseFault.UNREACHABLE,  # a server that is there and refuses: the password, the name
    "Connection refused": DatabaseFault.ABSENT,
    "No such file or directory": DatabaseFault.ABSENT,  # its socket
    "timeout expired": DatabaseFault.ABSENT,
    "is not a database": DatabaseFault.DAMAGED,
    "is malformed": DatabaseFault.DAMAGED,
    "is full": DatabaseFault.FULL,
    "disk I/O error": DatabaseFault.FULL,
    "DiskFull": DatabaseFault.FULL,
    "readonly database": DatabaseFault.READ_ONLY,
    "ReadOnlySqlTransaction": DatabaseFault.READ_ONLY,
    "InsufficientPrivilege": DatabaseFault.READ_ONLY,
    "database is locked": DatabaseFault.LOCKED,
    "LockNotAvailable": DatabaseFault.LOCKED,
    "no such table": DatabaseFault.OTHER_SCHEMA,
    "no such column": DatabaseFault.OTHER_SCHEMA,
    "UndefinedTable": DatabaseFault.OTHER_SCHEMA,
    "UndefinedColumn": DatabaseFault.OTHER_SCHEMA,
}


def fault(error: DBAPIError) -> DatabaseFault:
    """What keeps the database from working."""
    clue = f"{type(error.orig).__name__}: {error.orig}"
    return next((found for words, found in _FAULTS.items() if words in clue), DatabaseFault.UNREACHABLE)


def refusal(error: DBAPIError, where: str) -> str | None:
    """Why the database `where` did not do what was asked; None when the fault is in what was asked."""
    if isinstance(error, IntegrityError | DataError):
        return None
    said = " ".join(str(error.orig).split())
    clue = f"{type(error.orig).__name__}: {said}"
    for words, advice in _ADVICE.items():
        if words in clue:
            return f"the database {where} {advice}"
    if isinstance(error, OperationalError | InterfaceError):
        return f"the database did not answer: {said}"
    return None
