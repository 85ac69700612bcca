"""Windows of past months, as the statement of the customer profile has them."""

from dateutil.relativedelta import relativedelta


def get_window_start(today, months):
    """The first day that is within the past ``months`` on ``today``.

    A day is within them as long as the day so many months later is to come; where that month is
    shorter, its last day counts. So several days may leave on the last day of a short month.

    :param today: date
    :param months: whole number of months
    :return: date

    >>> from datetime import date
    >>> get_window_start(date(2026, 3, 30), 1), get_window_start(date(2026, 2, 28), 1)
    (datetime.date(2026, 3, 1), datetime.date(2026, 2, 1))
    """
    ends_month = (today + relativedelta(days=1)).day == 1
    last_outside = today + relativedelta(months=-months, day=31 if ends_month else today.day)
    return last_outside + relativedelta(days=1)
