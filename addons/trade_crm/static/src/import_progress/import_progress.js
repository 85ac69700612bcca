import { Component, onWillUnmount, useEffect } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

const INTERVAL = 1500;
const RUNNING = ["checking", "importing"];

/**
 * How far a purchase import has come. While it runs, the form is read again every moment, so that
 * the person sees its end without a reload.
 */
export class ImportProgress extends Component {
    static template = "trade_crm.ImportProgress";
    static props = { ...standardWidgetProps };

    setup() {
        useEffect(
            (running) => {
                if (running) {
                    this.poll();
                }
                return () => clearTimeout(this.timer);
            },
            () => [this.isRunning],
        );
        onWillUnmount(() => clearTimeout(this.timer));
    }

    get data() {
        return this.props.record.data;
    }

    get isRunning() {
        return RUNNING.includes(this.data.state);
    }

    get percent() {
        return Math.round(this.data.progress);
    }

    get label() {
        if (this.data.state === "importing") {
            return _t("Importing the purchases");
        }
        if (["check", "match"].includes(this.data.step)) {
            return _t("Looking up customers and purchases");
        }
        return _t("Reading the file");
    }

    poll() {
        this.timer = setTimeout(async () => {
            const { record } = this.props;
            if (!(await record.isDirty())) {
                await record.load();
            }
            if (this.isRunning) {
                this.poll();
            }
        }, INTERVAL);
    }
}

export const importProgress = {
    component: ImportProgress,
    fieldDependencies: [
        { name: "state", type: "selection" },
        { name: "step", type: "char" },
        { name: "progress", type: "float" },
    ],
};

registry.category("view_widgets").add("trade_import_progress", importProgress);
