import { Component, onWillStart, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { ControlPanel } from "@web/search/control_panel/control_panel";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { getKept, keep } from "../core/kept_state";

/** Bars of one value per month; what was given back hangs below the line. */
export class Sparkline extends Component {
    static template = "trade_crm.Customer360.Sparkline";
    static props = { points: Array };

    get highest() {
        return Math.max(0, ...this.props.points.map(({ value }) => value));
    }

    get range() {
        const lowest = Math.min(0, ...this.props.points.map(({ value }) => value));
        return this.highest - lowest || 1;
    }

    get bars() {
        const width = 240 / this.props.points.length;
        return this.props.points.map(({ label, value, text }, place) => ({
            x: place * width + 1,
            width: width - 2,
            y: ((this.highest - Math.max(0, value)) / this.range) * 56,
            height: Math.max(0.5, (Math.abs(value) / this.range) * 56),
            negative: value < 0,
            title: `${label}: ${text}`,
        }));
    }
}

/** One page about a customer: who they are, what they are worth, and what happened. */
export class Customer360 extends Component {
    static template = "trade_crm.Customer360";
    static components = { ControlPanel, Sparkline };
    static props = { ...standardActionServiceProps };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        this.partnerId = this.props.action.context.active_id || getKept(this).partnerId;
        keep(this, { partnerId: this.partnerId });
        this.state = useState({ page: null, kind: null, kinds: [], items: [], next: null, loading: false });
        onWillStart(() => Promise.all([this.loadPage(), this.loadTimeline()]));
    }

    async loadPage() {
        if (!this.partnerId) {
            return;
        }
        this.state.page = await this.orm.call("res.partner", "get_trade_360", [this.partnerId]);
    }

    async loadTimeline(more = false) {
        if (!this.partnerId) {
            return;
        }
        this.state.loading = true;
        try {
            const page = await this.keepLast.add(
                this.orm.call("res.partner", "get_trade_timeline", [this.partnerId], {
                    kind: this.state.kind,
                    after: more ? this.state.next : null,
                }),
            );
            this.state.kinds = page.kinds;
            this.state.items = more ? [...this.state.items, ...page.items] : page.items;
            this.state.next = page.next;
        } finally {
            this.state.loading = false;
        }
    }

    icon(item) {
        return this.state.kinds.find(({ kind }) => kind === item.kind)?.icon;
    }

    choose(kind) {
        this.state.kind = this.state.kind === kind ? null : kind;
        return this.loadTimeline();
    }

    open({ res_model, res_id }) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model,
            res_id,
            views: [[false, "form"]],
        });
    }

    openCustomer(id) {
        return this.open({ res_model: "res.partner", res_id: id });
    }

    openAll({ name, res_model, domain }) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            name,
            res_model,
            domain,
            views: [
                [false, "list"],
                [false, "form"],
            ],
        });
    }

    openCustomers() {
        return this.action.doAction("trade_crm.res_partner_action_customers", { clearBreadcrumbs: true });
    }

    order() {
        return this.action.doAction({
            type: "ir.actions.client",
            tag: "trade_crm.quick_order",
            name: _t("Quick order"),
            context: { active_id: this.state.page.header.id },
        });
    }

    async logContact() {
        const action = await this.orm.call("res.partner", "action_log_contact", [this.state.page.header.id]);
        return this.action.doAction(action, { onClose: () => this.loadTimeline() });
    }

    visit() {
        return this.action.doAction({
            type: "ir.actions.client",
            tag: "trade_crm.visit",
            name: _t("Visit"),
            context: { partner_id: this.state.page.header.id },
        });
    }

    quote() {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "sale.order",
            views: [[false, "form"]],
            context: { default_partner_id: this.state.page.header.id },
        });
    }
}

registry.category("actions").add("trade_crm.customer_360", Customer360);
