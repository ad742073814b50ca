"""What every receiver of cases does."""

from typing import Protocol

from helpdesk.records.case_content import CaseContent, CaseNote


class Receiver(Protocol):
    """Somewhere that cases are sent."""

    def send(self, case: CaseContent, *, key: str, again: bool) -> str:
        """Send a case and give back what it is called there.

        key: the same for every try of one case; again: an earlier try may have arrived, so look for it first where the
        other side lets us. Raises HelpdeskError when it did not arrive, or when nobody knows.
        """
        ...

    def add(self, note: CaseNote, *, key: str, again: bool) -> str:
        """The same for what came to a case that was sent before."""
        ...
