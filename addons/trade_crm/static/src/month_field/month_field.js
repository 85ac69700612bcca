import { registry } from "@web/core/registry";
import { _t } from "@web/core/l10n/translation";
import { DateTimeField, dateField } from "@web/views/fields/datetime/datetime_field";

/** A date that stands for its month. */
export class MonthField extends DateTimeField {
    getFormattedValue(valueIndex) {
        const value = this.values[valueIndex];
        return value ? value.toLocaleString({ month: "long", year: "numeric" }) : "";
    }
}

export const monthField = {
    ...dateField,
    component: MonthField,
    displayName: _t("Month"),
    extractProps: (...args) => ({ ...dateField.extractProps(...args), minPrecision: "months" }),
};

registry.category("fields").add("trade_month", monthField);
