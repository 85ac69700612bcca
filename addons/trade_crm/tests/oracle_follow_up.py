"""What follows when nobody contacts a lead, worked out without Odoo: plain Python on one lead."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass
class Rules:
    """Days of a stage, and of its company; ``on`` says whether the company follows leads up."""

    follow_up: int
    escalation: int
    recycle: int
    warning: int
    on: bool = True


@dataclass
class Lead:
    """A lead that lives through contacts and runs of the job, in the order of time."""

    start: datetime
    rules: Rules
    done: dict = field(default_factory=dict)
    events: list = field(default_factory=list)
    pooled: bool = False

    def restart(self, moment, rules=None):
        """A contact, another stage or another salesperson."""
        if not self.pooled:
            self.start, self.done = moment, {}
            self.rules = rules or self.rules

    def run(self, now):
        """The job runs at ``now``."""
        rules = self.rules
        if self.pooled or not rules.on or not rules.follow_up:
            return
        deadline = self.start + timedelta(days=rules.follow_up)
        if now < deadline:
            return
        self._do("overdue", now)
        if rules.escalation and now - deadline >= timedelta(days=rules.escalation):
            self._do("escalate", now)
        if not rules.recycle:
            return
        leaves = deadline + timedelta(days=rules.recycle)
        notice = timedelta(days=rules.warning)
        if now >= leaves - notice:
            self._do("warn", now)
        if "warn" in self.done and now >= max(leaves, self.done["warn"] + notice):
            self._do("recycle", now)
            self.pooled = True

    def _do(self, kind, now):
        if kind not in self.done:
            self.done[kind] = now
            self.events.append((kind, now))
