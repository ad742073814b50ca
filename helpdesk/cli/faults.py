"""What the operating system refused, in one line that says what to do."""

import errno
import os

_ADVICE = {
    errno.ENOSPC: "free some space there",
    errno.EDQUOT: "free some space there",
    errno.EFBIG: "free some space there, or raise the limit on the size of a file",
    errno.EROFS: "name a folder that can be written",
    errno.EACCES: "run as the user who owns it, or change its permissions",
    errno.EPERM: "run as the user who owns it, or change its permissions",
    errno.ENOENT: "expected a path that exists",
    errno.ENOTDIR: "expected a folder",
    errno.EISDIR: "expected a file",
    errno.EEXIST: "expected a path that does not exist yet",
    errno.EMFILE: "raise the limit on open files",
}


def refusal(error: OSError) -> str:
    """The path, what was wrong with it, and what helps."""
    where = " -> ".join(
        os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)
    )
    reason = error.strerror or str(error) or type(error).__name__
    advice = _ADVICE.get(error.errno or 0)
    said = f"{where}: {reason}" if where else reason
    return f"{said}; {advice}" if advice else said
