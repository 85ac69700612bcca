import { Component, onWillStart, useState } from "@odoo/owl";
import { deserializeDate, formatDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { ControlPanel } from "@web/search/control_panel/control_panel";
import { formatInteger, formatMonetary, formatPercentage } from "@web/views/fields/formatters";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";

const PROFILE = "trade.customer.profile";

/** Average order value by number of orders; every quadrant opens its customers. */
export class ValueMatrix extends Component {
    static template = "trade_crm.ValueMatrix";
    static components = { ControlPanel };
    static props = { ...standardActionServiceProps };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.ui = useService("ui");
        this.formatInteger = formatInteger;
        this.state = useState({ data: null, loading: false });
        onWillStart(() => this.load());
    }

    async load() {
        this.state.loading = true;
        try {
            this.state.data = await this.orm.call(PROFILE, "get_value_matrix");
        } finally {
            this.state.loading = false;
        }
    }

    get data() {
        return this.state.data;
    }

    get quadrants() {
        return Object.fromEntries(this.data.quadrants.map((quadrant) => [quadrant.key, quadrant]));
    }

    get explanation() {
        const { as_of, company, policy } = this.data;
        return _t("%(company)s, %(date)s: orders of the last %(months)s months, net of tax and less refunds.", {
            company,
            date: formatDate(deserializeDate(as_of)),
            months: policy.window_months,
        });
    }

    /** What puts a customer into the quadrant, in words. */
    getCondition({ key }) {
        const { order_value, order_count } = this.data.policy;
        const limits = { amount: this.formatAmount(order_value), count: formatInteger(order_count) };
        return {
            best: _t("%(amount)s or more per order, %(count)s orders or more", limits),
            spender: _t("%(amount)s or more per order, fewer than %(count)s orders", limits),
            frequent: _t("Less than %(amount)s per order, %(count)s orders or more", limits),
            uncertain: _t("Less than %(amount)s per order, fewer than %(count)s orders", limits),
        }[key];
    }

    formatAmount(amount) {
        const options = { currencyId: this.data.currency_id, humanReadable: this.ui.isSmall };
        return amount === null ? "–" : formatMonetary(amount, options);
    }

    formatShare(share) {
        return share === null ? "–" : formatPercentage(share, { digits: [16, 1] });
    }

    async openPart(quadrant, segment = false) {
        const action = await this.orm.call(PROFILE, "action_view_matrix_partners", [
            quadrant.key,
            segment && segment.key,
        ]);
        return this.action.doAction(action);
    }

    openProspects() {
        return this.action.doAction("trade_crm.res_partner_action_customers", {
            additionalContext: {
                search_default_trade_has_profile: 0,
                search_default_trade_never_bought: 1,
            },
        });
    }

    openPolicy() {
        return this.action.doAction({
            type: "ir.actions.act_window",
            name: _t("Tier policy"),
            res_model: "trade.tier.policy",
            res_id: this.data.policy && this.data.policy.id,
            views: [[false, "form"]],
        });
    }

    openHistory() {
        return this.action.doAction("trade_crm.trade_order_history_action");
    }
}

registry.category("actions").add("trade_crm.value_matrix", ValueMatrix);
