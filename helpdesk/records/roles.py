"""What somebody who is logged in may do: each role may do all that the one before it may."""

from enum import StrEnum


class Role(StrEnum):
    """Viewers read; labellers label; editors change the FAQ and what is promised of it; admins manage people."""

    VIEWER = "viewer"
    LABELLER = "labeller"
    EDITOR = "editor"
    ADMIN = "admin"

    def may(self, needed: "Role") -> bool:
        """Whether this role is the needed one or a later one."""
        order = list(Role)
        return order.index(self) >= order.index(needed)
