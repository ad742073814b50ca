"""What the report page and its CSV files are made of, read once for a period."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from helpdesk.records import audit, golden, names, nights, traffic
from helpdesk.records.agreement import Agreement, Mistaken, read_agreement, read_confusions
from helpdesk.records.case_counts import CaseCount, read_case_counts
from helpdesk.records.day_counts import DayCount, by_day, outcomes, read_answers, read_day_counts
from helpdesk.records.faq_counts import FaqCount, read_faq_counts
from helpdesk.records.feedback import Ratings, count_ratings, ratings_by_intent
from helpdesk.records.golden import GoldenPhrase
from helpdesk.records.tables import Night
from helpdesk.records.traffic import Outcomes, TopicCount
from helpdesk.serving.live import Live
from helpdesk.serving.promises import Promise, check_promises
from helpdesk.stats.audit_estimates import Audited
from helpdesk.web.staff.report_period import Chosen

NIGHTS_SHOWN = 90
GAPS_IN_FILE = 500
FAQ_SORTS = {
    "asked": lambda row: -row.answers.all,
    "chosen": lambda row: -row.answers.chosen,
    "wrong": lambda row: -row.wrong,
    "not_helpful": lambda row: -row.ratings.not_helpful,
    "changed": lambda row: -row.changed.timestamp(),
    "question": lambda row: row.question.casefold(),
}


@dataclass(frozen=True)
class Facts:
    """A session and a period; each method reads one thing, so a CSV file reads no more than it needs."""

    session: Session
    asked: Chosen

    def counts(self) -> list[DayCount]:
        """What became of the messages."""
        return read_day_counts(self.session, self.asked.period)

    def cases(self) -> list[CaseCount]:
        """What was handed over to people."""
        return read_case_counts(self.session, self.asked.period)

    def gaps(self, *, limit: int = GAPS_IN_FILE) -> list[TopicCount]:
        """What the FAQ lacks."""
        return traffic.content_gaps(self.session, self.asked.period, limit=limit)

    def confusions(self) -> list[Mistaken]:
        """Answers that labels speak against."""
        return read_confusions(self.session, self.asked.period)

    def faqs(self, confusions: Sequence[Mistaken], *, sort: str) -> list[FaqCount]:
        """Every entry; sort: a key of FAQ_SORTS, by what the table is in order."""
        period = self.asked.period
        answers, ratings = read_answers(self.session, period), ratings_by_intent(self.session, period)
        return sorted(read_faq_counts(self.session, answers, confusions, ratings), key=FAQ_SORTS[sort])

    def agreement(self) -> Agreement:
        """Who labelled how much."""
        return read_agreement(self.session, self.asked.period)

    def sample(self, *, review_below: float) -> list[Audited]:
        """The audit sample of the period."""
        asked = self.asked.period
        if asked.since is None:
            raise ValueError("a report has a first day")
        return audit.read_sample(
            self.session, since=asked.since, until=asked.until, channel=asked.channel, review_below=review_below
        )

    def ratings(self) -> Ratings:
        """What customers said of the replies."""
        return count_ratings(self.session, self.asked.period)

    def phrases(self) -> list[GoldenPhrase]:
        """What staff promise."""
        return golden.read(self.session)

    def nights(self) -> list[Night]:
        """The newest nights, oldest first, whatever the period."""
        return nights.list_nights(self.session, limit=NIGHTS_SHOWN)

    def questions(self) -> Mapping[str, str]:
        """What entries are called, former names too."""
        return names.questions(self.session)


def promises(live: Live | None, phrases: Sequence[GoldenPhrase]) -> list[Promise]:
    """The golden phrases held against the version in service; none while nothing serves."""
    return check_promises(live, phrases) if live is not None else []


def daily(counts: Sequence[DayCount]) -> tuple[Outcomes, list[tuple[str, Outcomes]]]:
    """All together, and day by day with the day as it is written in a file."""
    return outcomes(counts), [(day.isoformat(), found) for day, found in by_day(counts).items()]
