import { Component, onWillStart, useState } from "@odoo/owl";
import { formatDate, deserializeDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { ControlPanel } from "@web/search/control_panel/control_panel";
import { formatInteger, formatMonetary } from "@web/views/fields/formatters";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { TierShareChart, formatShare } from "./tier_share_chart";

const PROFILE = "trade.customer.profile";

/** Share of customers and revenue per tier; every mark opens its customers. */
export class TierShare extends Component {
    static template = "trade_crm.TierShare";
    static components = { ControlPanel, TierShareChart };
    static props = { ...standardActionServiceProps };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.ui = useService("ui");
        this.formatInteger = formatInteger;
        this.formatShare = formatShare;
        this.state = useState({ data: null, loading: false });
        onWillStart(() => this.load());
    }

    async load() {
        this.state.loading = true;
        try {
            this.state.data = await this.orm.call(PROFILE, "get_tier_share");
        } finally {
            this.state.loading = false;
        }
    }

    get data() {
        return this.state.data;
    }

    get explanation() {
        const { as_of, company, policy } = this.data;
        return _t(
            "%(company)s, %(date)s: revenue of the last %(months)s months, net of tax and less refunds, by the policy “%(policy)s”.",
            {
                company,
                date: formatDate(deserializeDate(as_of)),
                months: policy.window_months,
                policy: policy.name,
            },
        );
    }

    formatAmount(amount) {
        const options = { currencyId: this.data.currency_id, humanReadable: this.ui.isSmall };
        return amount === null ? "–" : formatMonetary(amount, options);
    }

    async openTier(tier) {
        const action = await this.orm.call(PROFILE, "action_view_tier_partners", [tier.id]);
        return this.action.doAction(action);
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

    createCustomer() {
        return this.action.doAction("trade_crm.res_partner_action_customers", {
            viewType: "form",
            props: { resId: false },
        });
    }

    openHistory() {
        return this.action.doAction("trade_crm.trade_order_history_action");
    }
}

registry.category("actions").add("trade_crm.tier_share", TierShare);
