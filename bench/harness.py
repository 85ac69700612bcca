"""Rows of the benchmark: what they are measured on, how, and what is kept of them."""

import statistics
import time
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from . import databases, dataset, history, leads, load, territory

SIZES = {
    "small": dataset.Size(customers=10_000, orders=100_000, products=500),
    "full": dataset.Size(customers=200_000, orders=2_000_000, products=2_000),
    # For SQL jobs only: orders without lines.
    "xl": dataset.Size(customers=200_000, orders=20_000_000, products=100, with_lines=False),
}
ROWS = {}


@dataclass
class Result:
    name: str
    size: str
    ours: float
    baseline: float | None
    ratio: float | None
    unit: str
    goal: str | None
    holds: bool | None

    def as_dict(self):
        return asdict(self)


def row(name, sizes=("small", "full")):
    """Register a function ``(bench) -> None`` that measures the row ``name`` and others beside it."""

    def register(function):
        ROWS[name] = (function, sizes)
        return function

    return register


class Bench:
    """One run of the benchmark at one size: its databases and its results."""

    def __init__(self, size_name):
        self.size_name = size_name
        self.size = SIZES[size_name]
        self.repeat = 5 if size_name == "small" else 3
        self.install_seconds = None
        self.fill_seconds = None
        self.results = []

    # ------------------------------------------------------------------
    # Databases
    # ------------------------------------------------------------------

    @cached_property
    def data(self):
        """Database with the modules that the addon builds on and the data set."""
        return self._ensure_data(self.size_name, self.size, databases.get_depends())

    @cached_property
    def plain(self):
        """The same with sale_stock and purchase_stock only."""
        return self._ensure_data(
            f"{self.size_name}_plain", self.size, ["purchase_stock", "sale_stock"]
        )

    @cached_property
    def work(self):
        """Copy of ``data`` with the addon, its history and its territories."""
        made_by = (Path(module.__file__) for module in (history, territory))
        key = databases.fingerprint(self.data, databases.ADDON, *made_by)
        return databases.ensure(f"{self.size_name}_work", key, self._make_work)

    def get_orders_only(self, factor):
        """Database with the addon and ``factor`` times the orders, without lines."""
        size = self.size._replace(orders=self.size.orders * factor, with_lines=False)
        if self.size_name == "xl":
            size = size._replace(orders=size.orders // 10)
        kind = f"orders{size.orders // 1000}k"
        return self._ensure_data(kind, size, databases.get_depends(), with_addon=True)

    def _ensure_data(self, kind, size, modules, with_addon=False):
        template = databases.ensure_modules(modules)
        package = databases.ROOT / "bench"
        generator = [
            package / f"{name}.py" for name in ("bulk", "dataset", "leads", "load", "seed")
        ]
        key = databases.fingerprint(template, size, *generator, *([databases.ADDON] * with_addon))

        def make(name):
            databases.copy(template, name)
            if with_addon:
                databases.install_addon(name)
            load.load(name, size)
            if "sale_crm" in modules:
                leads.load_leads(name, size)
            if with_addon:
                set_up_policies(name)

        return databases.ensure(f"{kind}_data", key, make)

    def _make_work(self, name):
        databases.copy(self.data, name)
        self.install_seconds = databases.install_addon(name)
        history.load_history(name, self.size)
        set_up_policies(name)
        territory.set_up_territories(name)
        self.fill_seconds = territory.fill_territories(name)

    def remake_work(self):
        """Make ``work`` anew, for rows that measure how."""
        if self.install_seconds is None:
            for name in databases.get_names(f"{databases.PREFIX}_{self.size_name}_work_"):
                databases.drop(name)
        return self.work

    # ------------------------------------------------------------------
    # Results
    # ------------------------------------------------------------------

    def report(self, name, ours, baseline=None, unit="s", most=None, least=None, holds=True):
        """Keep and print a result.

        :param most: the ratio to the baseline, or the value where there is none, may be this at most
        :param least: or has to be this at least
        :param holds: False when something else than the figure says that the goal is missed
        """
        ratio = ours / baseline if baseline else None
        judged = ours if ratio is None else ratio
        goal = None
        if most is not None:
            goal, holds = f"≤ {most:g}", holds and judged <= most
        elif least is not None:
            goal, holds = f"≥ {least:g}", holds and judged >= least
        elif holds:
            holds = None
        result = Result(name, self.size_name, ours, baseline, ratio, unit, goal, holds)
        self.results.append(result)
        print(format_result(result), flush=True)


def set_up_policies(name):
    """Each selling company keeps profiles by the default policy, in its own time zone."""
    with databases.environment(name) as env:
        companies = env["res.company"].search([], order="id", limit=len(dataset.TIME_ZONES))
        for company, (tz, _hours) in zip(companies, dataset.TIME_ZONES, strict=True):
            company.trade_tz = tz
        env["trade.tier.policy"]._create_default(companies)
        env.cr.commit()


def clock(function):
    """Seconds that ``function`` takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def measure_in_turn(*functions, repeat):
    """Medians of the seconds that each of ``functions`` takes, or returns, called in turn."""
    times = [[] for _function in functions]
    for turn in range(repeat):
        # Whoever comes second finds warmer caches: take turns in that, too.
        for index in sorted(range(len(functions)), reverse=turn % 2):
            seconds = functions[index]()
            times[index].append(seconds)
    return [statistics.median(values) for values in times]


def format_number(value):
    if value is None:
        return "–"
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def format_result(result):
    verdict = {True: "holds", False: "MISSED", None: ""}[result.holds]
    return (
        f"{result.name:<34} {result.size:<6}"
        f"{format_number(result.ours):>10} {format_number(result.baseline):>10}"
        f" {result.unit:<9}{format_number(result.ratio):>8}  {result.goal or '':<9} {verdict}"
    )
