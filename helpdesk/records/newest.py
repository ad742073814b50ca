"""Whether anything happened that processes follow, for the price of one statement: they ask twice a second."""

from dataclasses import dataclass

from sqlalchemy import func, select

from helpdesk.records.database import Database
from helpdesk.records.prepared import Prepared
from helpdesk.records.tables import FaqChange, Promotion

_QUERY = Prepared(
    select(
        select(func.max(Promotion.id)).scalar_subquery().label("promotion"),
        select(func.max(FaqChange.id)).scalar_subquery().label("faq_change"),
    )
)


@dataclass(frozen=True)
class Newest:
    """The newest promotion and the newest change of the FAQ, by their ids."""

    promotion_id: int | None
    faq_change_id: int | None


def newest(database: Database) -> Newest:
    """What is newest now."""
    with database.look() as connection:
        return Newest(*_QUERY.run(connection, {}).fetchone())
