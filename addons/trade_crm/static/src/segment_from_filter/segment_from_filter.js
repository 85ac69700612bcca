import { Component } from "@odoo/owl";
import { Domain } from "@web/core/domain";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { registry } from "@web/core/registry";
import { user } from "@web/core/user";
import { useService } from "@web/core/utils/hooks";

/** In the menu of a list of customers: what is filtered there becomes a segment. */
export class SegmentFromFilter extends Component {
    static template = "trade_crm.SegmentFromFilter";
    static components = { DropdownItem };
    static props = {};

    setup() {
        this.action = useService("action");
    }

    save() {
        const line = { kind: "domain", domain: new Domain(this.env.searchModel.domain).toString() };
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "trade.segment",
            views: [[false, "form"]],
            context: { default_line_ids: [[0, 0, line]] },
        });
    }
}

export const segmentFromFilter = {
    Component: SegmentFromFilter,
    groupNumber: 20,
    isDisplayed: async ({ config, searchModel }) =>
        searchModel.resModel === "res.partner" &&
        config.actionType === "ir.actions.act_window" &&
        ["kanban", "list"].includes(config.viewType) &&
        searchModel.domain.length > 0 &&
        (await user.checkAccessRight("trade.segment", "create")),
};

registry.category("cogMenu").add("trade_crm.segment_from_filter", segmentFromFilter, { sequence: 20 });
