import { Component, onWillStart, useState } from "@odoo/owl";
import { deserializeDate, formatDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { RecordSelector } from "@web/core/record_selectors/record_selector";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { ControlPanel } from "@web/search/control_panel/control_panel";
import { formatFloat, formatInteger, formatMonetary, formatPercentage } from "@web/views/fields/formatters";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { getKept, keep } from "../core/kept_state";

const PIPELINE = "trade.pipeline";
const DEFAULTS = {
    period: "months",
    date_from: false,
    date_to: false,
    type: false,
    company_id: false,
    team: false,
    salesperson: false,
    source: false,
    medium: false,
    campaign: false,
    territory: false,
    customer_type: false,
    group_by: "source",
    value: null,
};

/** How many leads reach each stage, how long they stay and why they are lost; every number opens its leads. */
export class LeadFunnel extends Component {
    static template = "trade_crm.LeadFunnel";
    static components = { ControlPanel, RecordSelector };
    static props = { ...standardActionServiceProps };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.ui = useService("ui");
        this.formatInteger = formatInteger;
        this.keepLast = new KeepLast();
        this.periods = [
            ["months", _t("Last 12 months")],
            ["quarter", _t("This quarter")],
            ["last_quarter", _t("Last quarter")],
            ["year", _t("This year")],
            ["last_year", _t("Last year")],
            ["all", _t("All time")],
            ["custom", _t("From … to …")],
        ];
        this.types = [
            ["", _t("Leads and opportunities")],
            ["lead", _t("Leads")],
            ["opportunity", _t("Opportunities")],
        ];
        this.choices = [
            ["team", "crm.team", _t("Sales team")],
            ["salesperson", "res.users", _t("Salesperson")],
            ["source", "utm.source", _t("Source")],
            ["medium", "utm.medium", _t("Medium")],
            ["campaign", "utm.campaign", _t("Campaign")],
            ["territory", "trade.territory", _t("Territory with its parts")],
            ["customer_type", "trade.customer.type", _t("Customer type")],
        ];
        this.groups = [
            ["source", _t("Source")],
            ["salesperson", _t("Salesperson")],
            ["medium", _t("Medium")],
            ["campaign", _t("Campaign")],
            ["team", _t("Sales team")],
            ["territory", _t("Territory")],
            ["customer_type", _t("Customer type")],
        ];
        this.filter = useState({ ...DEFAULTS, ...getKept(this).filter });
        this.state = useState({
            data: null,
            shown: null,
            loading: false,
            more: this.choices.some(([key]) => this.filter[key]),
        });
        onWillStart(() => this.load());
    }

    async load() {
        this.state.loading = true;
        const filter = { ...this.filter };
        keep(this, { filter });
        try {
            this.state.data = await this.keepLast.add(this.orm.call(PIPELINE, "get_funnel", [], filter));
            this.state.shown = filter;
        } finally {
            this.state.loading = false;
        }
    }

    get data() {
        return this.state.data;
    }

    get explanation() {
        const { company, start, end } = this.data;
        const values = {
            company,
            start: start && formatDate(deserializeDate(start)),
            end: end && formatDate(deserializeDate(end)),
        };
        if (start && end) {
            return _t("%(company)s: leads created from %(start)s to %(end)s.", values);
        }
        return _t("%(company)s: leads by the day of their creation.", values);
    }

    /** What to look at first, in words. */
    get finding() {
        const { narrowest, steps, total, won } = this.data;
        const parts = [
            _t("%(won)s of %(total)s leads (%(share)s) are won.", {
                won: formatInteger(won.count),
                total: formatInteger(total.count),
                share: this.formatShare(won.share),
            }),
        ];
        const step = steps[narrowest];
        if (step && step.from_before < 1) {
            parts.push(
                _t("The narrowest place: only %(share)s go on from %(before)s to %(stage)s.", {
                    share: this.formatShare(step.from_before),
                    before: steps[narrowest - 1].name,
                    stage: step.name,
                }),
            );
        }
        return parts.join(" ");
    }

    get selectedSegment() {
        return this.filter.value !== null && this.data.segments.find(({ value }) => value === this.filter.value);
    }

    get lostMost() {
        return Math.max(1, ...this.data.reasons.map((reason) => reason.count));
    }

    getStageName(position) {
        const step = this.data.steps[position];
        return step ? step.name : "";
    }

    getPartTitle(reason, part) {
        return _t("%(reason)s in %(stage)s: %(count)s, %(money)s", {
            reason: reason.name,
            stage: this.getStageName(part.position),
            count: formatInteger(part.count),
            money: this.formatAmount(part.money),
        });
    }

    formatAmount(amount, currencyId = this.data.currency_id) {
        if (!currencyId) {
            return formatInteger(Math.round(amount));
        }
        return formatMonetary(amount, { currencyId, humanReadable: true });
    }

    formatShare(share) {
        return share === null ? "–" : formatPercentage(share, { digits: [16, 1] });
    }

    formatDays(days) {
        return days === null ? "–" : formatFloat(days, { digits: [16, 1], trailingZeros: false });
    }

    /** How far a target is, in words. */
    describeTarget(target) {
        const gap = this.formatAmount(Math.abs(target.gap), target.currency_id);
        return target.gap >= 0 ? _t("%s above the target", gap) : _t("%s to go", gap);
    }

    getTargetClass({ status }) {
        return { over: "success", on: "info", under: "danger" }[status];
    }

    // ------------------------------------------------------------------
    // Filters
    // ------------------------------------------------------------------

    setFilter(values) {
        Object.assign(this.filter, values);
        const { period, date_from, date_to } = this.filter;
        if (period === "custom" && !date_from && !date_to) {
            return;
        }
        return this.load();
    }

    setGroup(ev) {
        return this.setFilter({ group_by: ev.target.value, value: null });
    }

    selectSegment({ value }) {
        if (value !== null) {
            return this.setFilter({ value: this.filter.value === value ? null : value });
        }
    }

    toggleMore() {
        this.state.more = !this.state.more;
    }

    reset() {
        return this.setFilter({ ...DEFAULTS });
    }

    // ------------------------------------------------------------------
    // Leads
    // ------------------------------------------------------------------

    async open(part, position = null, reason = null) {
        const kwargs = { ...this.state.shown };
        if (reason !== null) {
            kwargs.reason = reason;
        }
        return this.action.doAction(await this.orm.call(PIPELINE, "action_view_leads", [part, position], kwargs));
    }

    async openTarget({ id }) {
        return this.action.doAction(await this.orm.call("trade.target.report", "action_view_records", [[id]]));
    }

    openTargets() {
        return this.action.doAction("trade_crm.trade_target_report_action");
    }

    openPipeline() {
        return this.action.doAction("crm.crm_lead_action_pipeline");
    }
}

registry.category("actions").add("trade_crm.lead_funnel", LeadFunnel);
