import { Component, onWillStart, useState } from "@odoo/owl";
import { DateTimeInput } from "@web/core/datetime/datetime_input";
import { deserializeDate, formatDate, serializeDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { ControlPanel } from "@web/search/control_panel/control_panel";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { TierMatrix } from "../tier_matrix/tier_matrix";
import { getKept, keep } from "../core/kept_state";

const HISTORY = "trade.tier.history";

/** From which tier to which the customers have moved between two days. */
export class TierMigration extends Component {
    static template = "trade_crm.TierMigration";
    static components = { ControlPanel, DateTimeInput, TierMatrix };
    static props = { ...standardActionServiceProps };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        const { date_from = false, date_to = false } = getKept(this).days || {};
        this.days = useState({ date_from, date_to });
        this.state = useState({ data: null, loading: false });
        onWillStart(() => this.load());
    }

    async load() {
        this.state.loading = true;
        try {
            const data = await this.keepLast.add(
                this.orm.call(HISTORY, "get_migration", [this.days.date_from, this.days.date_to]),
            );
            this.state.data = data;
            const days = { date_from: data.date_from, date_to: data.date_to };
            Object.assign(this.days, days);
            keep(this, { days });
        } finally {
            this.state.loading = false;
        }
    }

    getDay(name) {
        return deserializeDate(this.days[name]);
    }

    setDay(name, day) {
        if (!day) {
            return;
        }
        this.days[name] = serializeDate(day);
        if (this.days.date_from > this.days.date_to) {
            this.days[name === "date_from" ? "date_to" : "date_from"] = this.days[name];
        }
        return this.load();
    }

    /** Why the first day has no tiers, if so. */
    get warning() {
        const { first_date: first, date_from } = this.state.data;
        return first && first > date_from
            ? _t("Tiers are recorded since %s: before that day no customer has one.", [
                  formatDate(deserializeDate(first)),
              ])
            : "";
    }

    async open(origin, target, names) {
        const { date_from, date_to } = this.state.data;
        const action = await this.orm.call(HISTORY, "action_view_migration", [
            date_from,
            date_to,
            origin,
            target,
            names,
        ]);
        return this.action.doAction(action);
    }
}

registry.category("actions").add("trade_crm.tier_migration", TierMigration);
