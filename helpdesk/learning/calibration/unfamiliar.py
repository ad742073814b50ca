"""Below which confidence a message is unlike what a bundle was calibrated on."""

import numpy as np

from helpdesk.matching.probabilities import Floats

TAIL = 0.05  # share of calibration rows that count as unfamiliar, by definition
FEWEST = 100


def unfamiliar_below(confidence: Floats) -> float | None:
    """What all but 5% of the calibration rows' confidences [n] reach, None when there are too few of them."""
    return float(np.quantile(confidence, TAIL)) if len(confidence) >= FEWEST else None
