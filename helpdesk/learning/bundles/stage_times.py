"""How long each stage of a build takes."""

import time


class StageTimes:
    """Seconds by stage, from the end of the one before."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._began = time.monotonic()

    def end(self, stage: str) -> None:
        """A stage ends now."""
        now = time.monotonic()
        self.seconds[stage] = round(now - self._began, 1)
        self._began = now
