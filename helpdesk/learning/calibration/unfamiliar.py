"""The confidence below which a message is unlike the rows that a bundle was calibrated on."""

import numpy as np

from helpdesk.matching.probabilities import Floats

TAIL = 0.05  # share of calibration rows that count as unfamiliar, by definition
FEWEST_ROWS = 100


def unfamiliar_below(confidence: Floats) -> float | None:
    """The 5% quantile of the calibration rows' confidences [n], None when there are too few of them."""
    return float(np.quantile(confidence, TAIL)) if len(confidence) >= FEWEST_ROWS else None
