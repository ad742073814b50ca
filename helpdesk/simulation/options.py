"""What a simulation is told."""

from dataclasses import dataclass

FAST_EVERY = 5


@dataclass(frozen=True)
class Options:
    """start_shots: rows an intent that the FAQ begins with; labels_per_night: audit labels included.

    label_noise, oos_share: shares from 0 to 1. minutes and max_steps bound each fine-tuning; broken_every plants a
    broken candidate every so many nights.
    """

    start_shots: int
    nights: int
    labels_per_night: int
    messages_per_night: int = 120
    seed: int = 0
    label_noise: float = 0.0
    oos_share: float = 0.0
    poison: bool = False
    drift: bool = False
    fast: bool = False
    minutes: float | None = None
    max_steps: int | None = None
    broken_every: int | None = None

    def finetunes(self, night: int) -> bool:
        """Whether this night (from 1) fine-tunes."""
        return not self.fast or night % FAST_EVERY == 0

    def breaks(self, night: int) -> bool:
        """Whether what this night builds is broken on purpose."""
        return self.broken_every is not None and night % self.broken_every == 0
