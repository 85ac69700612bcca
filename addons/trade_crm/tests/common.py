from contextlib import contextmanager
from datetime import datetime

import pytz

from odoo import fields
from odoo.fields import Command
from odoo.tests import TransactionCase, freeze_time, new_test_user

# Noon in Shanghai and midnight in New York.
NOW = "2026-03-31 04:00:00"
TODAY = fields.Date.to_date("2026-03-31")


class TradeCrmCommon(TransactionCase):
    """Two companies that sell, with one user per role. The clock stands still at ``NOW``.

    ::

        company     currency  time zone          EUR per unit of currency
        ----------  --------  -----------------  -------------------------------
        company_cn  CNY       Asia/Shanghai      0.125, from 2026-01-01 on 0.16
        company_us  USD       America/New_York   0.8

        user           role      companies    sees margin
        -------------  --------  -----------  -----------
        user_rep       rep       cn           no
        user_manager   manager   cn           yes
        user_marketer  marketer  cn           no
        user_agent     agent     cn           no
        user_auditor   auditor   cn           yes
        user_outsider  none      cn           no
        user_rep_us    rep       us           no
        user_rep_both  rep       cn, us       no

        customer     a company without orders
        +- contact   a person of that company

        product_service  10.00, cost 4.00, invoiced when ordered, no tax, nothing to deliver
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clock = cls.startClassPatcher(freeze_time(NOW))
        cls.env = cls.env(context={"tracking_disable": True})
        cls._setup_companies()
        cls._setup_users()
        cls._setup_records()

    def setUp(self):
        super().setUp()
        self.clock.move_to(NOW)

    # ------------------------------------------------------------------
    # Set-up
    # ------------------------------------------------------------------

    @classmethod
    def _setup_companies(cls):
        cls.eur = cls.env.ref("base.EUR")
        cls.cny = cls.env.ref("base.CNY")
        cls.usd = cls.env.ref("base.USD")
        (cls.eur | cls.cny | cls.usd).active = True
        cls.company_cn = cls._make_company("Trade China", cls.cny, "Asia/Shanghai")
        cls.company_us = cls._make_company("Trade America", cls.usd, "America/New_York")
        cls.env = cls.env(
            context={
                **cls.env.context,
                "allowed_company_ids": [cls.company_cn.id, cls.company_us.id],
            }
        )
        for company, day, rate in (
            (cls.company_cn, "2000-01-01", 0.125),
            (cls.company_cn, "2026-01-01", 0.16),
            (cls.company_us, "2000-01-01", 0.8),
        ):
            cls.env["res.currency.rate"].create(
                {
                    "currency_id": cls.eur.id,
                    "company_id": company.id,
                    "name": day,
                    "company_rate": rate,
                }
            )
        cls.policy = cls._get_policy(cls.company_cn)
        cls.policy_us = cls._get_policy(cls.company_us)

    @classmethod
    def _setup_users(cls):
        def make_user(role, companies):
            login = f"trade_{role or 'outsider'}_{'_'.join(companies.mapped('currency_id.name'))}"
            return new_test_user(
                cls.env,
                login=login,
                groups=f"trade_crm.group_{role}" if role else "base.group_user",
                company_id=companies[0].id,
                company_ids=[Command.set(companies.ids)],
                tz="Asia/Shanghai",
            )

        cls.user_rep = make_user("rep", cls.company_cn)
        cls.user_manager = make_user("manager", cls.company_cn)
        cls.user_marketer = make_user("marketer", cls.company_cn)
        cls.user_agent = make_user("agent", cls.company_cn)
        cls.user_auditor = make_user("auditor", cls.company_cn)
        cls.user_outsider = make_user(None, cls.company_cn)
        cls.user_rep_us = make_user("rep", cls.company_us)
        cls.user_rep_both = make_user("rep", cls.company_cn | cls.company_us)

    @classmethod
    def _setup_records(cls):
        cls.uom_unit = cls.env.ref("uom.product_uom_unit")
        cls.uom_dozen = cls.env.ref("uom.product_uom_dozen")
        cls.product_service = cls.env["product.product"].create(
            {
                "name": "Advice",
                "type": "service",
                "invoice_policy": "order",
                "list_price": 10.0,
                "standard_price": 4.0,
                "taxes_id": [Command.clear()],
            }
        )
        cls.product_service.with_company(cls.company_us).standard_price = 4.0
        cls.customer = cls._make_customer("Golden Wok")
        cls.contact = cls._make_contact("Ms. Chen", cls.customer)
        cls.env.flush_all()

    @classmethod
    def _make_company(cls, name, currency, tz):
        company = cls.env["res.company"].create({"name": name, "trade_tz": tz})
        # The chart brings the journals and accounts that invoices need, and a currency of its own.
        cls.env["account.chart.template"].try_loading("generic_coa", company, install_demo=False)
        company.currency_id = currency
        return company

    @classmethod
    def _get_policy(cls, company):
        return cls.env["trade.tier.policy"].search([("company_id", "=", company.id)])

    @classmethod
    def _as(cls, user, records):
        """``records`` as ``user`` has them after logging in."""
        companies = {"allowed_company_ids": user.company_ids.ids}
        return records.with_user(user).with_context(**companies)

    @classmethod
    def _get_tier(cls, name, policy=None):
        """Tier of the default policy by its English name."""
        return (policy or cls.policy).tier_ids.filtered(lambda tier: tier.name == name)

    # ------------------------------------------------------------------
    # Records
    # ------------------------------------------------------------------

    @classmethod
    def _make_customer(cls, name, **values):
        return cls.env["res.partner"].create({"name": name, "is_company": True, **values})

    @classmethod
    def _make_contact(cls, name, parent, **values):
        return cls.env["res.partner"].create({"name": name, "parent_id": parent.id, **values})

    @classmethod
    def _to_utc(cls, moment, company):
        """``moment`` of the clock on the company's wall, in UTC; a bare day means its noon."""
        if len(moment) == 10:
            moment += " 12:00:00"
        local = datetime.strptime(moment, "%Y-%m-%d %H:%M:%S")
        zone = pytz.timezone(company.trade_tz)
        return zone.localize(local).astimezone(pytz.utc).replace(tzinfo=None)

    @classmethod
    def _get_pricelist(cls, company, currency):
        pricelists = cls.env["product.pricelist"]
        domain = [("company_id", "=", company.id), ("currency_id", "=", currency.id)]
        return pricelists.search(domain, limit=1) or pricelists.create(
            {"name": currency.name, "company_id": company.id, "currency_id": currency.id}
        )

    @classmethod
    def _make_order(
        cls,
        partner,
        lines=100.0,
        day="2026-03-01",
        company=None,
        currency=None,
        confirm=True,
        **values,
    ):
        """Order of ``partner``, dated back.

        :param lines: price of the only line, or a list of values of lines
        :param day: date or time of the order on the company's wall
        :param company: ``company_cn`` by default
        :param currency: that of the company by default
        """
        company = company or cls.company_cn
        if isinstance(lines, (int, float)):
            lines = [{"price_unit": lines}]
        if currency and currency != company.currency_id:
            values["pricelist_id"] = cls._get_pricelist(company, currency).id
        date_order = cls._to_utc(day, company)
        order = (
            cls.env["sale.order"]
            .with_company(company)
            .create(
                {
                    "partner_id": partner.id,
                    "company_id": company.id,
                    "date_order": date_order,
                    "order_line": [
                        Command.create(
                            {
                                "product_id": cls.product_service.id,
                                "product_uom_qty": 1.0,
                                "discount": 0.0,
                                "tax_ids": [Command.clear()],
                                **line,
                            }
                        )
                        for line in lines
                    ],
                    **values,
                }
            )
        )
        if confirm:
            order.action_confirm()
            order.date_order = date_order
        return order

    @classmethod
    def _make_invoice(cls, order, day=None, **values):
        """Post the regular invoice of ``order``, dated as the order is by default."""
        invoice = order._create_invoices()
        invoice.write({"invoice_date": day or order.date_order.date(), **values})
        invoice.action_post()
        return invoice

    @classmethod
    def _make_move(cls, partner, amount, move_type="out_invoice", day="2026-03-01", company=None):
        """Post an invoice or refund that knows of no order."""
        company = company or cls.company_cn
        move = (
            cls.env["account.move"]
            .with_company(company)
            .create(
                {
                    "move_type": move_type,
                    "partner_id": partner.id,
                    "invoice_date": day,
                    "invoice_line_ids": [
                        Command.create(
                            {"name": "By hand", "price_unit": amount, "tax_ids": [Command.clear()]}
                        )
                    ],
                }
            )
        )
        move.action_post()
        return move

    @classmethod
    def _refund(cls, invoice, day="2026-03-10", quantity=None, post=True):
        """Refund ``invoice`` by Odoo's own wizard.

        :param quantity: of the only line, when it is not all that is refunded
        """
        wizard = cls._make_reversal(invoice, day)
        refund = invoice.browse(wizard.refund_moves()["res_id"])
        if quantity is not None:
            refund.invoice_line_ids.filtered(
                lambda line: line.display_type == "product"
            ).quantity = quantity
        refund.invoice_date = day
        if post:
            refund.action_post()
        return refund

    @classmethod
    def _replace_invoice(cls, invoice, day="2026-03-10"):
        """Refund ``invoice`` and post its replacement, by Odoo's own wizard."""
        wizard = cls._make_reversal(invoice, day)
        replacement = invoice.browse(wizard.modify_moves()["res_id"])
        replacement.invoice_date = day
        replacement.action_post()
        return replacement

    @classmethod
    def _make_reversal(cls, invoice, day):
        return (
            cls.env["account.move.reversal"]
            .with_company(invoice.company_id)
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id, "date": day})
        )

    @classmethod
    def _make_history(cls, partner, amount=100.0, day="2026-03-01", company=None, **values):
        """A purchase before Odoo."""
        company = company or cls.company_cn
        rows = cls.env["trade.order.history"]
        return rows.create(
            {
                "partner_id": partner.id,
                "company_id": company.id,
                "date": day,
                "amount": amount,
                "source": "test",
                "external_id": str(rows.search_count([("source", "=", "test")])),
                **values,
            }
        )

    @classmethod
    def _cancel(cls, order):
        order.action_unlock() if order.locked else None
        order._action_cancel()

    @classmethod
    def _merge(cls, destination, *sources):
        wizard = cls.env["base.partner.merge.automatic.wizard"]
        partners = destination.union(*sources)
        wizard._merge(partners.ids, destination)

    # ------------------------------------------------------------------
    # Profiles
    # ------------------------------------------------------------------

    def _commit(self):
        """What a commit does before it commits."""
        self.env.cr.flush()

    @contextmanager
    def _job_env(self):
        """An environment that may commit, as the job's does."""
        self._commit()
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            yield self.env(cr=cr)

    def _run_job(self):
        """Commit, then refresh what time or a change has made out of date."""
        with self._job_env() as env:
            profiles = env["trade.customer.profile"]
            profiles._queue_due()
            profiles._process_queue()

    def _run_fact_job(self):
        """Refresh the profiles, then add up the sales of who was refreshed."""
        self._run_job()
        with self._job_env() as env:
            env["trade.sales.fact"]._cron_refresh()

    def _get_profile(self, partner, company=None):
        return (
            self.env["trade.customer.profile"]
            .sudo()
            .search(
                [
                    ("partner_id", "=", partner.id),
                    ("company_id", "=", (company or self.company_cn).id),
                ]
            )
        )

    def assertProfile(self, partner, company=None, **expected):
        """Refresh the queue, then compare the profile of ``partner`` with ``expected`` values.

        Dates are compared as text, a tier by its name.
        """
        self._run_job()
        profile = self._get_profile(partner, company)
        self.assertTrue(profile, f"{partner.name} has no profile")
        found = {name: profile[name] for name in expected}
        for name, value in found.items():
            if profile._fields[name].type == "date":
                found[name] = str(value) if value else value
            elif name == "tier_id":
                found[name] = value.name
        self.assertEqual(found, expected)

    def assertNoProfile(self, partner, company=None):
        self._run_job()
        self.assertFalse(self._get_profile(partner, company))
