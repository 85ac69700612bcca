"""Two means of revenue or margin compared: test, interval, power and sample size."""

from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import nct, t

from .proportions import ALPHA, Difference, get_quantile


class Sample(NamedTuple):
    """Sums over customers, those without a purchase included, as SQL gives them. May be arrays."""

    count: Any
    total: Any
    squares: Any  # sum of the squares

    @property
    def mean(self):
        return self.total / self.count

    @property
    def variance(self):
        """Of the sample, with n - 1; not below 0 by rounding."""
        spread = self.squares - self.total * self.mean
        return np.maximum(spread, 0.0) / (self.count - 1)

    def __add__(self, other):
        return Sample(*(one + two for one, two in zip(self, other, strict=True)))


def get_sample(values):
    """:class:`Sample` of single values.

    >>> get_sample([1.0, 2.0, 6.0])
    Sample(count=3, total=9.0, squares=41.0)
    """
    values = np.asarray(values, dtype=np.float64)
    return Sample(len(values), float(values.sum()), float(np.square(values).sum()))


def get_error(one, two):
    """Standard error of the difference and its degrees of freedom.

    B. L. Welch, The generalization of "Student's" problem when several different population
    variances are involved, Biometrika 34 (1947), 28-35.

    :param one, two: :class:`Sample` of two customers or more
    :return: error, degrees of freedom (those of both samples together when nothing varies)
    """
    part_one, part_two = one.variance / one.count, two.variance / two.count
    square = part_one + part_two
    weights = part_one**2 / (one.count - 1) + part_two**2 / (two.count - 1)
    pooled = np.asarray(one.count + two.count - 2, dtype=np.float64)
    freedom = np.divide(
        square**2, weights, out=np.broadcast_to(pooled, np.shape(square)).copy(), where=weights > 0
    )
    return np.sqrt(square), freedom


def get_mean_difference(one, two, quantile=None):
    """Difference of two means with Welch's interval.

    :param one, two: :class:`Sample` of two customers or more
    :param quantile: number of standard errors in a large sample; the t distribution widens it
    :return: :class:`Difference`

    >>> difference = get_mean_difference(get_sample([3, 4, 5, 8]), get_sample([1, 2, 3]))
    >>> [round(float(figure), 4) for figure in difference]
    [3.0, -0.2772, 6.2772]
    """
    quantile = get_quantile() if quantile is None else quantile
    error, freedom = get_error(one, two)
    value = one.mean - two.mean
    margin = t.isf(ndtr(-np.asarray(quantile)), freedom) * error
    return Difference(value, value - margin, value + margin)


def get_mean_test(one, two):
    """Welch's test.

    :return: t, degrees of freedom, two-sided p value; p is 1 when nothing varies
    """
    error, freedom = get_error(one, two)
    difference = np.asarray(one.mean - two.mean, dtype=np.float64)
    statistic = np.divide(difference, error, out=np.zeros_like(difference), where=error > 0)
    return statistic, freedom, 2 * t.sf(np.abs(statistic), freedom)


def get_mean_power(difference, deviation, size, alpha=ALPHA):
    """Probability that two groups of ``size`` each tell ``difference`` from none.

    J. Cohen, Statistical Power Analysis for the Behavioral Sciences (1988), chapter 2; by the
    noncentral t distribution, without the side that is the wrong one.

    :param deviation: standard deviation of one customer

    >>> round(float(get_mean_power(1.0, 1.0, 20)), 4)
    0.869
    """
    freedom = 2 * (size - 1)
    shift = abs(difference) / deviation * np.sqrt(size / 2)
    return nct.sf(t.isf(alpha / 2, freedom), freedom, shift)


def get_mean_size(difference, deviation, power=0.8, alpha=ALPHA):
    """Customers per group so that ``power`` is reached, not rounded.

    :raises ValueError: without a difference or a deviation

    >>> round(float(get_mean_size(1.0, 1.0, 0.9)), 3)
    22.021
    """
    if not difference or deviation <= 0:
        raise ValueError("a difference and a deviation are needed")
    quantile = get_quantile(alpha) + get_quantile(2 * (1 - power))
    guess = 2 * (quantile * deviation / difference) ** 2
    return brentq(
        lambda size: get_mean_power(difference, deviation, size, alpha) - power,
        1 + 1e-6,
        2 * guess + 10,
    )
