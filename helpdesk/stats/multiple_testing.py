"""Many tests at one level: Holm's procedure, plain and weighted. Pure.

Holm 1979, "A simple sequentially rejective multiple test procedure", gives each test its share of the level. The first
test, of all labelled rows together, has the most power and gets seven tenths; the others share the rest. A test that
cannot become significant, because too few rows changed, is left out first and its share goes to the others (Tarone
1990). That is allowed because the number of changed rows does not depend on which version won.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp, lgamma

SIGNIFICANCE_LEVEL = 0.05
MAIN_SHARE = 0.7
LIKENESS = 0.1  # correlation of what befalls the rows of one intent: they move together when a border moves


@dataclass(frozen=True)
class Check:
    """One test of the hypothesis "not worse": its p-value, and the smallest p-value it could have had.

    topic: checks of one topic share its part of the level; rows: the evidence against the candidate.
    """

    topic: str
    name: str
    p: float
    least: float
    rows: tuple[str, ...] = field(default=(), repr=False)


def more_lost(topic: str, name: str, *, gained: int, lost: Sequence[str]) -> Check:
    """One-sided exact McNemar test (McNemar 1947) that more rows are lost than gained."""
    from scipy.stats import binom

    changed = gained + len(lost)
    p = float(binom.sf(len(lost) - 1, changed, 0.5)) if lost else 1.0
    return Check(topic, name, p, 0.5**changed, tuple(lost))


def more_than(topic: str, name: str, *, lost: Sequence[str], of: int, share: float) -> Check:
    """Exact binomial test that more than a share of so many rows is lost."""
    from scipy.stats import binom

    p = float(binom.sf(len(lost) - 1, of, share)) if lost else 1.0
    return Check(topic, name, p, share**of, tuple(lost))


def lost_together(topic: str, name: str, *, lost: Sequence[str], of: int, rate: float) -> Check:
    """Test whether one intent lost more of its rows than chance explains for a version that loses rows at this rate.

    Beta-binomial, because rows of one intent are alike and change together.
    """
    return Check(topic, name, _at_least(len(lost), of, rate), _at_least(of, of, rate), tuple(lost))


def _at_least(lost: int, of: int, rate: float) -> float:
    """Upper tail of the beta-binomial; scipy's takes milliseconds for each of hundreds of intents."""
    a, b = rate * (1 - LIKENESS) / LIKENESS, (1 - rate) * (1 - LIKENESS) / LIKENESS
    whole = lgamma(of + 1) + lgamma(a + b) - lgamma(a) - lgamma(b) - lgamma(of + a + b)
    terms = (
        exp(whole - lgamma(n + 1) - lgamma(of - n + 1) + lgamma(n + a) + lgamma(of - n + b))
        for n in range(lost, of + 1)
    )
    return min(1.0, sum(terms)) if lost else 1.0


def failed(checks: Sequence[Check], *, level: float = SIGNIFICANCE_LEVEL) -> list[Check]:
    """The checks that fail, the smallest p-value for its share first, when all checks together may raise a false alarm
    with a probability of `level`.

    The topic of the first check is the main one.
    """
    left = _testable(checks, level)
    found: list[Check] = []
    while left:
        shares = _shares(left, checks[0].topic, level)
        worst = min(range(len(left)), key=lambda n: left[n].p / shares[n])
        if left[worst].p > shares[worst]:
            break
        found.append(left.pop(worst))
    return found


def _testable(checks: Sequence[Check], level: float) -> list[Check]:
    left = list(checks)
    while left:
        shares = _shares(left, checks[0].topic, level)
        hopeless = max(range(len(left)), key=lambda n: left[n].least / shares[n])
        if left[hopeless].least <= shares[hopeless]:
            break
        left.pop(hopeless)
    return left


def _shares(checks: Sequence[Check], main: str, level: float) -> list[float]:
    """Each check's part of the level: MAIN_SHARE for the main topic, the rest in equal parts for the others; equal
    parts within a topic."""
    topics = {check.topic: 0 for check in checks}
    for check in checks:
        topics[check.topic] += 1
    others = len(topics) - (main in topics)
    if not others:
        return [level / topics[check.topic] for check in checks]
    most = level * MAIN_SHARE if main in topics else 0.0
    shares = {topic: most if topic == main else (level - most) / others for topic in topics}
    return [shares[check.topic] / topics[check.topic] for check in checks]


def holm(values: Sequence[float], *, level: float) -> list[bool]:
    """Which p-values are significant by Holm's procedure at `level`, in the order given."""
    significant = [False] * len(values)
    for rank, position in enumerate(sorted(range(len(values)), key=lambda n: values[n])):
        if values[position] > level / (len(values) - rank):
            break
        significant[position] = True
    return significant
