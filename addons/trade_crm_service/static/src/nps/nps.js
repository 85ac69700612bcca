import { Component, onWillStart, useState } from "@odoo/owl";
import { deserializeDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { ControlPanel } from "@web/search/control_panel/control_panel";
import { formatFloat, formatInteger } from "@web/views/fields/formatters";
import { getKept, keep } from "@trade_crm/core/kept_state";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";

const MODEL = "trade.nps";
const DEFAULTS = { months: 12, kind: false, company_id: false, group_by: "type" };

/** Net Promoter Score with its interval, and where it is lost. */
export class Nps extends Component {
    static template = "trade_crm_service.Nps";
    static components = { ControlPanel };
    static props = { ...standardActionServiceProps };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        this.formatInteger = formatInteger;
        this.periods = [
            [3, _t("Last 3 months")],
            [6, _t("Last 6 months")],
            [12, _t("Last 12 months")],
            [24, _t("Last 24 months")],
        ];
        this.kinds = [
            ["", _t("All surveys")],
            ["ticket", _t("After a ticket")],
            ["relationship", _t("Relationship")],
        ];
        this.groups = [
            ["type", _t("Ticket type")],
            ["tier", _t("Tier")],
            ["territory", _t("Territory")],
            ["product", _t("Product")],
            ["carrier", _t("Carrier")],
            ["agent", _t("Agent")],
            ["team", _t("Team")],
            ["survey", _t("Survey")],
            ["channel", _t("Asked by")],
        ];
        this.filter = useState({ ...DEFAULTS, ...getKept(this).filter });
        this.state = useState({ data: null, loading: false });
        onWillStart(() => this.load());
    }

    async load() {
        this.state.loading = true;
        const filter = { ...this.filter };
        keep(this, { filter });
        try {
            this.state.data = await this.keepLast.add(this.orm.call(MODEL, "get_report", [], filter));
        } finally {
            this.state.loading = false;
        }
    }

    setFilter(values) {
        Object.assign(this.filter, values);
        return this.load();
    }

    get data() {
        return this.state.data;
    }

    get groupName() {
        return this.groups.find(([key]) => key === this.filter.group_by)[1];
    }

    formatScore(value) {
        return value === null ? "–" : formatFloat(value, { digits: [16, 0] });
    }

    formatShare(value) {
        return value === null ? "–" : _t("%s%", formatFloat(value, { digits: [16, 0] }));
    }

    formatEffect(value) {
        if (value === null) {
            return "–";
        }
        const text = formatFloat(value, { digits: [16, 1] });
        return value > 0 ? `+${text}` : text;
    }

    /** What the interval says, in words. */
    describe({ low, high, count, is_enough }) {
        if (!count) {
            return _t("No answer yet");
        }
        const values = {
            low: this.formatScore(low),
            high: this.formatScore(high),
            count: formatInteger(count),
            min: formatInteger(this.data.min_answers),
        };
        return is_enough
            ? _t("%(low)s to %(high)s, %(count)s answers", values)
            : _t("Not enough answers: %(count)s of %(min)s", values);
    }

    /** Where an interval from -100 to 100, or from `start`, stands in its bar. */
    getBarStyle({ low, high }, start = -100) {
        const width = 100 - start;
        return `left: ${(100 * (low - start)) / width}%; right: ${(100 * (100 - high)) / width}%`;
    }

    getMarkStyle({ value }, start = -100) {
        return `left: ${(100 * (value - start)) / (100 - start)}%`;
    }

    getMonth({ month }) {
        return deserializeDate(month).toLocaleString({ month: "short", year: "numeric" });
    }

    getClass({ value, is_enough }) {
        if (!is_enough) {
            return "text-muted";
        }
        return value < 0 ? "text-danger" : "";
    }

    async open(extra) {
        const domain = await this.orm.call(MODEL, "get_answers_domain", [], { ...this.filter, ...extra });
        return this.action.doAction({
            type: "ir.actions.act_window",
            name: _t("Feedback"),
            res_model: "trade.survey.invitation",
            views: [
                [false, "list"],
                [false, "form"],
            ],
            domain,
        });
    }

    openSurveys() {
        return this.action.doAction("trade_crm_service.trade_survey_action");
    }
}

registry.category("actions").add("trade_crm_service.nps", Nps);
