import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { formatDateTime } from "@web/core/l10n/dates";
import { standardFieldProps } from "@web/views/fields/standard_field_props";
import { Component, onMounted, onWillUnmount, useState } from "@odoo/owl";

const { DateTime } = luxon;
const REFRESH_MS = 30000;

/** The time left to a deadline: green, amber from the warning on, red once it is missed. */
export class SlaLeft extends Component {
    static template = "trade_crm_service.SlaLeft";
    static props = { ...standardFieldProps };

    setup() {
        this.clock = useState({ now: DateTime.now() });
        let timer;
        onMounted(() => {
            timer = setInterval(() => (this.clock.now = DateTime.now()), REFRESH_MS);
        });
        onWillUnmount(() => clearInterval(timer));
    }

    get deadline() {
        return this.props.record.data[this.props.name];
    }

    get state() {
        return this.props.record.data.trade_sla_state;
    }

    get isRunning() {
        return Boolean(this.deadline) && this.state !== "paused";
    }

    get text() {
        if (this.state === "paused") {
            return _t("Paused");
        }
        if (!this.deadline) {
            return { met: _t("Met"), missed: _t("Missed") }[this.state] || "";
        }
        const minutes = Math.floor(this.deadline.diff(this.clock.now, "minutes").minutes);
        const time = this.describe(Math.abs(minutes));
        return minutes < 0 ? _t("%s late", time) : _t("%s left", time);
    }

    describe(minutes) {
        if (minutes < 60) {
            return _t("%s min", minutes);
        }
        if (minutes < 48 * 60) {
            return _t("%(hours)s h %(minutes)s min", {
                hours: Math.floor(minutes / 60),
                minutes: minutes % 60,
            });
        }
        return _t("%s days", Math.floor(minutes / 60 / 24));
    }

    get color() {
        if (!this.isRunning) {
            return { met: "success", missed: "danger" }[this.state] || "secondary";
        }
        if (this.deadline < this.clock.now) {
            return "danger";
        }
        const warnAt = this.props.record.data.trade_sla_warn_at;
        return warnAt && warnAt <= this.clock.now ? "warning" : "success";
    }

    get title() {
        return this.deadline ? _t("Due %s", formatDateTime(this.deadline)) : "";
    }
}

export const slaLeft = {
    component: SlaLeft,
    displayName: _t("Time left"),
    supportedTypes: ["datetime"],
    fieldDependencies: [
        { name: "trade_sla_state", type: "selection" },
        { name: "trade_sla_warn_at", type: "datetime" },
    ],
};

registry.category("fields").add("trade_sla_left", slaLeft);
