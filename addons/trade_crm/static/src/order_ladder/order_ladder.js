import { Component, onWillStart, useState } from "@odoo/owl";
import { deserializeDate, formatDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { ControlPanel } from "@web/search/control_panel/control_panel";
import { formatFloat, formatInteger, formatPercentage } from "@web/views/fields/formatters";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { getKept, keep } from "../core/kept_state";

const PROFILE = "trade.customer.profile";

/** How many customers reach order 1, 2, …; every step opens the customers who stopped there. */
export class OrderLadder extends Component {
    static template = "trade_crm.OrderLadder";
    static components = { ControlPanel };
    static props = { ...standardActionServiceProps };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.formatInteger = formatInteger;
        this.keepLast = new KeepLast();
        this.groups = [
            ["tier", _t("Tier")],
            ["quadrant", _t("Value quadrant")],
            ["country", _t("Country")],
            ["salesperson", _t("Salesperson")],
            ["year", _t("Year of first purchase")],
        ];
        const { group_by = "tier", value = null, year = false } = getKept(this).filter || {};
        this.filter = useState({ group_by, value, year });
        this.state = useState({ data: null, loading: false });
        onWillStart(() => this.load());
    }

    async load() {
        this.state.loading = true;
        const { group_by, value, year } = this.filter;
        keep(this, { filter: { group_by, value, year } });
        try {
            this.state.data = await this.keepLast.add(
                this.orm.call(PROFILE, "get_order_ladder", [], { group_by, value, year }),
            );
        } finally {
            this.state.loading = false;
        }
    }

    get data() {
        return this.state.data;
    }

    get explanation() {
        const { as_of, company } = this.data;
        return _t("%(company)s, %(date)s: orders and purchases before Odoo, since the first one.", {
            company,
            date: formatDate(deserializeDate(as_of)),
        });
    }

    get lastStep() {
        return this.data.steps.length;
    }

    get selectedSegment() {
        return this.filter.value !== null && this.data.segments.find((segment) => segment.value === this.filter.value);
    }

    /** What to look at first, in words. */
    get finding() {
        const { steps, stable_step, worst_step } = this.data;
        const stable = steps.find(({ step }) => step === stable_step);
        const parts = [];
        if (stable) {
            parts.push(
                _t("%(count)s of %(total)s customers (%(share)s) have reached order %(step)s.", {
                    count: formatInteger(stable.reached),
                    total: formatInteger(this.data.customers),
                    share: this.formatShare(stable.share),
                    step: stable_step,
                }),
            );
        }
        if (worst_step) {
            parts.push(
                _t("Most customers are gone after order %(step)s: %(count)s are dormant or lost.", {
                    step: worst_step,
                    count: formatInteger(steps[worst_step - 1].gone),
                }),
            );
        }
        return parts.join(" ");
    }

    getStepName(step) {
        return step === this.lastStep ? _t("%s or more", step) : String(step);
    }

    formatShare(share) {
        return share === null ? "–" : formatPercentage(share, { digits: [16, 1] });
    }

    formatDays(days) {
        return days === null ? "–" : formatFloat(days, { digits: [16, 1], trailingZeros: false });
    }

    setGroup(ev) {
        Object.assign(this.filter, { group_by: ev.target.value, value: null });
        return this.load();
    }

    setYear(ev) {
        Object.assign(this.filter, { year: Number(ev.target.value) || false, value: null });
        return this.load();
    }

    selectSegment({ value }) {
        if (value === null) {
            return;
        }
        this.filter.value = this.filter.value === value ? null : value;
        return this.load();
    }

    clearSegment() {
        this.filter.value = null;
        return this.load();
    }

    async openStep({ step }, gone = null) {
        const { group_by, value, year } = this.filter;
        const action = await this.orm.call(PROFILE, "action_view_ladder_partners", [step], {
            group_by,
            value,
            year,
            gone,
        });
        return this.action.doAction(action);
    }

    openPolicy() {
        return this.action.doAction({
            type: "ir.actions.act_window",
            name: _t("Tier policy"),
            res_model: "trade.tier.policy",
            res_id: this.data.policy_id,
            views: [[false, "form"]],
        });
    }

    openHistory() {
        return this.action.doAction("trade_crm.trade_order_history_action");
    }
}

registry.category("actions").add("trade_crm.order_ladder", OrderLadder);
