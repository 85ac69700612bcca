import { Component, useState } from "@odoo/owl";
import { useService } from "@web/core/utils/hooks";
import { _t } from "@web/core/l10n/translation";
import { formatInteger, formatMonetary } from "@web/views/fields/formatters";

/** Customers, or their revenue, by the tier they come from and the one they go to. */
export class TierMatrix extends Component {
    static template = "trade_crm.TierMatrix";
    static props = {
        /** What trade.tier._prepare_matrix() returns. */
        data: Object,
        /** Called with the keys of a row and a column, null for all of them, and their names. */
        onOpen: Function,
    };

    setup() {
        this.ui = useService("ui");
        this.state = useState({ measure: "customers" });
        this.measures = [
            ["customers", _t("Customers")],
            ["revenue", _t("Revenue")],
        ];
    }

    getCell(origin, target) {
        return this.props.data.cells.find((cell) => cell.origin === origin && cell.target === target);
    }

    /** Sum of the chosen measure over the cells of a row or column; null stands for all. */
    getTotal(origin, target) {
        return this.props.data.cells
            .filter(
                (cell) => (origin === null || cell.origin === origin) && (target === null || cell.target === target),
            )
            .reduce((sum, cell) => sum + cell[this.state.measure], 0);
    }

    /** How much of the row's customers went to the column, 0 to 1. */
    getShare(cell) {
        const total = this.getTotal(cell.origin, null);
        return total > 0 ? Math.min(1, Math.max(0, cell[this.state.measure] / total)) : 0;
    }

    format(value) {
        if (this.state.measure === "customers") {
            return formatInteger(value);
        }
        return formatMonetary(value, { currencyId: this.props.data.currency_id, humanReadable: true });
    }

    get summary() {
        const { moved, total, currency_id: currencyId } = this.props.data;
        const values = {
            moved: formatInteger(moved.customers),
            total: formatInteger(total.customers),
            revenue: formatMonetary(moved.revenue, { currencyId }),
            all: formatMonetary(total.revenue, { currencyId }),
        };
        return moved.customers
            ? _t("%(moved)s of %(total)s customers change tier, with %(revenue)s of %(all)s revenue.", values)
            : _t("None of %(total)s customers changes tier.", values);
    }

    open(row, column) {
        return this.props.onOpen(row ? row.key : null, column ? column.key : null, [
            row ? row.name : "",
            column ? column.name : "",
        ]);
    }
}
