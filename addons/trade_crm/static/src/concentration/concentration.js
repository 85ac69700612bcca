import { Component, onWillStart, useState } from "@odoo/owl";
import { deserializeDate, formatDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { ControlPanel } from "@web/search/control_panel/control_panel";
import { formatFloat, formatInteger, formatMonetary } from "@web/views/fields/formatters";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { ConcentrationChart, formatShare } from "./concentration_chart";
import { getKept, keep } from "../core/kept_state";

const FACT = "trade.sales.fact";

/** How much of the revenue comes from how few customers; every class opens its customers. */
export class Concentration extends Component {
    static template = "trade_crm.Concentration";
    static components = { ControlPanel, ConcentrationChart };
    static props = { ...standardActionServiceProps };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.ui = useService("ui");
        this.formatInteger = formatInteger;
        this.formatShare = formatShare;
        this.keepLast = new KeepLast();
        this.periods = [
            ["months", _t("Last 12 months")],
            ["year", _t("This year")],
            ["last_year", _t("Last year")],
            ["all", _t("All time")],
        ];
        this.groups = [
            ["customer", _t("Customers")],
            ["product", _t("Products")],
        ];
        const { period = "months", group_by = "customer" } = getKept(this).filter || {};
        this.filter = useState({ period, group_by });
        this.state = useState({ data: null, shown: null, loading: false });
        onWillStart(() => this.load());
    }

    async load() {
        this.state.loading = true;
        const filter = { ...this.filter };
        keep(this, { filter });
        try {
            this.state.data = await this.keepLast.add(this.orm.call(FACT, "get_concentration", [], filter));
            this.state.shown = filter;
        } finally {
            this.state.loading = false;
        }
    }

    get data() {
        return this.state.data;
    }

    get isProduct() {
        return this.state.shown.group_by === "product";
    }

    get explanation() {
        const { company, start, end } = this.data;
        const values = {
            company,
            start: start && formatDate(deserializeDate(start)),
            end: formatDate(deserializeDate(end)),
        };
        return start
            ? _t("%(company)s, %(start)s to %(end)s: revenue net of tax and less refunds.", values)
            : _t("%(company)s, up to %(end)s: revenue net of tax and less refunds.", values);
    }

    /** What to look at first, in words. */
    get finding() {
        const { top_count, top_share } = this.data;
        const values = { count: formatInteger(top_count), share: formatShare(top_share) };
        return this.isProduct
            ? _t("The top 20 % of the products (%(count)s) bring %(share)s of the revenue.", values)
            : _t("The top 20 % of the customers (%(count)s) bring %(share)s of the revenue.", values);
    }

    get axes() {
        return {
            x: this.isProduct
                ? _t("Share of products, from the smallest revenue on")
                : _t("Share of customers, from the smallest revenue on"),
            y: _t("Share of revenue"),
        };
    }

    get gini() {
        return this.data.gini === null ? "–" : formatFloat(this.data.gini, { digits: [16, 2] });
    }

    formatAmount(amount) {
        const options = { currencyId: this.data.currency_id, humanReadable: this.ui.isSmall };
        return amount === null ? "–" : formatMonetary(amount, options);
    }

    getClassName(entry, index) {
        const top = formatShare(entry.top);
        const previous = index && formatShare(this.data.classes[index - 1].top);
        return index ? _t("%(previous)s to %(top)s", { previous, top }) : _t("Top %s", top);
    }

    setPeriod(ev) {
        this.filter.period = ev.target.value;
        return this.load();
    }

    setGroup(ev) {
        this.filter.group_by = ev.target.value;
        return this.load();
    }

    async openRanks(first, last, name) {
        const { period, group_by } = this.state.shown;
        const action = await this.orm.call(FACT, "action_view_ranks", [period, group_by, first, last, name]);
        return this.action.doAction(action);
    }

    openClass(entry, index) {
        return this.openRanks(entry.first, entry.last, this.getClassName(entry, index));
    }

    /** Open who is beyond a point of the curve: all but the smallest share. */
    openTop(share) {
        const last = this.data.count - Math.round(share * this.data.count);
        return this.openRanks(1, last, _t("Top %s", formatShare(1 - share)));
    }

    openSales() {
        return this.action.doAction("trade_crm.trade_sales_fact_action");
    }

    openHistory() {
        return this.action.doAction("trade_crm.trade_order_history_action");
    }
}

registry.category("actions").add("trade_crm.concentration", Concentration);
