"""Quantiles of the beta distribution: all that serving needs of a library a hundred times as large."""

from math import exp, lgamma, log, log1p

_TINY = 1e-300
_CLOSE = 1e-15
_MOST_TERMS = 100_000
_MOST_STEPS = 200


def beta_quantile(a: float, b: float, p: float) -> float:
    """The x with which the regularised incomplete beta function I_x(a, b) is p; a, b > 0 and 0 < p < 1.

    Newton's method, kept between bounds that close in from both sides.
    """
    low, high, x = 0.0, 1.0, a / (a + b)
    whole = lgamma(a) + lgamma(b) - lgamma(a + b)
    for _ in range(_MOST_STEPS):
        error = _incomplete(a, b, x) - p
        low, high = (low, x) if error > 0 else (x, high)
        density = exp((a - 1) * log(x) + (b - 1) * log1p(-x) - whole)
        nearer = x - error / density if density > 0 else low
        if not low < nearer < high:
            nearer = (low + high) / 2
        if abs(nearer - x) <= _CLOSE * x:
            return nearer
        x = nearer
    return x


def _incomplete(a: float, b: float, x: float) -> float:
    """I_x(a, b) by its continued fraction (NIST Digital Library of Mathematical Functions, 8.17.22)."""
    if x > (a + 1) / (a + b + 2):  # there the fraction of the other tail converges
        return 1 - _incomplete(b, a, 1 - x)
    front = exp(a * log(x) + b * log1p(-x) + lgamma(a + b) - lgamma(a) - lgamma(b)) / a
    return front / _fraction(a, b, x)


def _fraction(a: float, b: float, x: float) -> float:
    """By the modified method of Lentz (Thompson and Barnett 1986): 1 + d1/(1 + d2/(1 + ...))."""
    value, c, d = 1.0, 1.0, 0.0
    for n in range(1, _MOST_TERMS):
        m = n // 2
        if n % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / (_or_tiny(1 + term * d))
        c = _or_tiny(1 + term / c)
        value *= c * d
        if abs(c * d - 1) < _CLOSE:
            break
    return value


def _or_tiny(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
