"""The score of planted faults: what was tried, what was noticed, what was not."""

from mutants import sample, summary

RESULTS = {
    "helpdesk.stats.intervals.x_difference__mutmut_1": 1,
    "helpdesk.stats.intervals.x_difference__mutmut_2": 0,
    "helpdesk.stats.intervals.x_difference__mutmut_3": None,
    "helpdesk.matching.index.x_open_index__mutmut_1": 33,
    "helpdesk.matching.index.x_open_index__mutmut_2": 36,
}


def test_the_score_is_of_those_that_were_tried() -> None:
    """Faults that no test reaches count as unnoticed, tests that never end as a notice."""
    lines = summary(RESULTS)

    assert "| matching.index | 2 | 1 | 0 | 1 | 50% |" in lines
    assert "| stats.intervals | 2 | 1 | 1 | 0 | 50% |" in lines
    assert "| all | 4 | 2 | 1 | 1 | 50% |" in lines
    assert lines[-2].startswith("1 of 5 were not tried")
    assert lines[-1] == "survived: helpdesk.stats.intervals.x_difference__mutmut_2"


def test_a_sample_is_the_same_each_time() -> None:
    """So that another run goes on with it."""
    assert sample(RESULTS, size=3, seed=1) == sample(dict(reversed(RESULTS.items())), size=3, seed=1)
    assert len(sample(RESULTS, size=99, seed=0)) == 5
