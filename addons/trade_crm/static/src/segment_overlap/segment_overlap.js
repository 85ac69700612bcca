import { Component, onWillStart, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { ControlPanel } from "@web/search/control_panel/control_panel";
import { formatInteger, formatPercentage } from "@web/views/fields/formatters";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { getKept, keep } from "../core/kept_state";

/** How many customers segments have in common; every figure opens its customers. */
export class SegmentOverlap extends Component {
    static template = "trade_crm.SegmentOverlap";
    static components = { ControlPanel };
    static props = { ...standardActionServiceProps };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.formatInteger = formatInteger;
        this.state = useState({ data: null });
        onWillStart(() => this.load());
    }

    /** After a reload of the page the params are in the address no more, but kept by the action. */
    get segmentIds() {
        return this.props.action.params?.segment_ids || getKept(this).segmentIds || [];
    }

    async load() {
        const ids = this.segmentIds;
        this.state.data = ids.length
            ? await this.orm.call("trade.segment", "get_overlap", [ids])
            : { segments: [], counts: [] };
        keep(this, { segmentIds: ids });
    }

    share(row, column) {
        const all = this.state.data.segments[row].count;
        return all ? this.state.data.counts[row][column] / all : 0;
    }

    formatShare(row, column) {
        return formatPercentage(this.share(row, column), { digits: [16, 0] });
    }

    openSegments() {
        this.action.doAction("trade_crm.trade_segment_action", { clearBreadcrumbs: true });
    }

    async open(row, column) {
        const chosen = [row, column].map((place) => this.state.data.segments[place].id);
        const action = await this.orm.call("trade.segment", "action_view_members", [[...new Set(chosen)]]);
        return this.action.doAction(action);
    }
}

registry.category("actions").add("trade_crm.segment_overlap", SegmentOverlap);
