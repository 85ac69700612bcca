from datetime import date, timedelta

from dateutil.relativedelta import relativedelta
from trade_crm_analytics.windows import get_window_start


def test_is_the_first_day_within_for_every_day_of_four_years():
    """A day is outside when so many months later is today or before."""
    today = date(2023, 12, 31)
    for _day in range(4 * 366):
        today += timedelta(days=1)
        for months in (1, 2, 6, 12, 13):
            start = get_window_start(today, months)
            assert start + relativedelta(months=months) > today
            assert start - timedelta(days=1) + relativedelta(months=months) <= today
