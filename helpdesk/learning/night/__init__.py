"""The nightly run: lock, candidates, verdicts, promotion, report."""
