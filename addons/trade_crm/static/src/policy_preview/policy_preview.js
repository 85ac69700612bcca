import { Component, onWillStart, onWillUpdateProps, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { TierMatrix } from "../tier_matrix/tier_matrix";

/** Who would move from which tier to which by a change of the policy, as it is saved. */
export class PolicyPreview extends Component {
    static template = "trade_crm.PolicyPreview";
    static components = { TierMatrix };
    static props = { ...standardWidgetProps };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        this.state = useState({ data: null, loading: false });
        onWillStart(() => this.load(this.props.record));
        onWillUpdateProps(({ record }) => this.load(record));
    }

    /** What a preview depends on: it is computed once for each saved state of the record. */
    getVersion({ resId, data }) {
        return `${resId}/${data.write_date}/${data.state}`;
    }

    async load(record, force = false) {
        const version = this.getVersion(record);
        if (!record.resId || (version === this.version && !force)) {
            return;
        }
        this.version = version;
        this.state.loading = true;
        try {
            this.state.data = await this.keepLast.add(this.orm.call(record.resModel, "get_preview", [record.resId]));
        } finally {
            this.state.loading = false;
        }
    }

    /** Save what is being edited, then compute the preview of it. */
    async refresh() {
        if (await this.props.record.save()) {
            await this.load(this.props.record, true);
        }
    }

    async open(origin, target, names) {
        const { resId, resModel } = this.props.record;
        const action = await this.orm.call(resModel, "action_view_move", [resId, origin, target, names]);
        return this.action.doAction(action);
    }
}

export const policyPreview = {
    component: PolicyPreview,
    fieldDependencies: [
        { name: "write_date", type: "datetime" },
        { name: "state", type: "selection" },
    ],
};

registry.category("view_widgets").add("trade_policy_preview", policyPreview);
