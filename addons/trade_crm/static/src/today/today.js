import { Component, onWillStart, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { ControlPanel } from "@web/search/control_panel/control_panel";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { getKept, keep } from "../core/kept_state";

const MODEL = "trade.today";

/** The one list of what to do now; each line has its reason, and goes with a tap. */
export class Today extends Component {
    static template = "trade_crm.Today";
    static components = { ControlPanel };
    static props = { ...standardActionServiceProps };

    setup() {
        this.action = useService("action");
        this.notification = useService("notification");
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        const { kind = null, userId = null } = getKept(this).filter || {};
        this.filter = useState({ kind, userId });
        this.state = useState({ data: null, loading: false });
        onWillStart(() => this.load());
    }

    async load() {
        this.state.loading = true;
        const { kind, userId } = this.filter;
        keep(this, { filter: { kind, userId } });
        try {
            this.state.data = await this.keepLast.add(this.orm.call(MODEL, "get_list", [], { user_id: userId, kind }));
        } finally {
            this.state.loading = false;
        }
    }

    get kinds() {
        return this.state.data.kinds.filter(({ count, kind }) => count || kind === this.filter.kind);
    }

    get total() {
        return this.state.data.kinds.reduce((sum, { count }) => sum + count, 0);
    }

    get hidden() {
        const chosen = this.state.data.kinds.find(({ kind }) => kind === this.filter.kind);
        return (chosen ? chosen.count : this.total) - this.state.data.lines.length;
    }

    icon(line) {
        return this.state.data.kinds.find(({ kind }) => kind === line.kind).icon;
    }

    choose(kind) {
        this.filter.kind = this.filter.kind === kind ? null : kind;
        return this.load();
    }

    chooseUser(ev) {
        this.filter.userId = Number(ev.target.value);
        return this.load();
    }

    open(line) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: line.res_model,
            res_id: line.open_id,
            views: [[false, "form"]],
        });
    }

    quote(line) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "sale.order",
            views: [[false, "form"]],
            context: { default_partner_id: line.open_id },
        });
    }

    done(line) {
        const text = line.kind === "activity" ? _t("The activity is done.") : _t("Done.");
        return this.leave(line, "set_done", [line.kind, line.res_id, line.cause], text);
    }

    snooze(line, days) {
        const text = days === 1 ? _t("Put off until tomorrow.") : _t("Put off for a week.");
        return this.leave(line, "snooze", [line.kind, line.res_id, days], text);
    }

    /** Takes the line off at once; it comes back when the server refuses or cannot be reached. */
    async leave(line, method, args, text) {
        const { data } = this.state;
        const place = data.lines.indexOf(line);
        const counted = data.kinds.find(({ kind }) => kind === line.kind);
        data.lines.splice(place, 1);
        counted.count -= 1;
        try {
            await this.orm.call(MODEL, method, args);
        } catch (error) {
            data.lines.splice(place, 0, line);
            counted.count += 1;
            throw error;
        }
        const close = this.notification.add(text, {
            type: "success",
            buttons:
                line.kind === "activity" && method === "set_done"
                    ? []
                    : [{ name: _t("Undo"), onClick: () => this.undo(line).then(close) }],
        });
    }

    async undo(line) {
        await this.orm.call(MODEL, "restore", [line.kind, line.res_id]);
        await this.load();
    }
}

registry.category("actions").add("trade_crm.today", Today);
