import { ValueMatrix } from "@trade_crm/value_matrix/value_matrix";
import { patch } from "@web/core/utils/patch";

patch(ValueMatrix.prototype, {
    /** Customers of a part of the matrix who have an unsolved severe complaint. */
    async openComplaints(quadrant, segment = false) {
        const action = await this.orm.call("trade.customer.profile", "action_view_matrix_complaints", [
            quadrant.key,
            segment && segment.key,
        ]);
        return this.action.doAction(action);
    },
});
