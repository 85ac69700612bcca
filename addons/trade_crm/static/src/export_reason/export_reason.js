import { onMounted, useRef, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { useBus } from "@web/core/utils/hooks";
import { patch } from "@web/core/utils/patch";
import { session } from "@web/session";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { ExportAll, exportAllItem } from "@web/views/list/export_all/export_all";
import { ListController } from "@web/views/list/list_controller";
import { ExportDataDialog } from "@web/views/view_dialogs/export_data_dialog";

const EXPORT_DIALOG = "trade-export-dialog";

/** Whether Settings limit the export of this model, because it holds customer data. */
function isControlled(resModel) {
    const control = session.trade_export_control;
    return Boolean(control && control.models.includes(resModel));
}

/** The server refuses; here it is about not offering what would be refused. */
function isAllowed(resModel) {
    return !isControlled(resModel) || session.trade_export_control.allowed;
}

/** A new object for each class: what "super" is belongs to the object that a method is written in. */
const getControllerPatch = () => ({
    setup() {
        super.setup();
        useBus(this.env.searchModel, EXPORT_DIALOG, () => this.exportRecords());
    },

    getStaticActionMenuItems() {
        const items = super.getStaticActionMenuItems();
        if (!isAllowed(this.props.resModel)) {
            delete items.export;
        }
        return items;
    },
});
patch(ListController.prototype, getControllerPatch());
patch(KanbanController.prototype, getControllerPatch());

patch(exportAllItem, {
    async isDisplayed(env) {
        return isAllowed(env.searchModel.resModel) && super.isDisplayed(env);
    },
});

patch(ExportAll.prototype, {
    /** A direct download has nowhere to give a reason: the dialog exports the same. */
    async onDirectExportData() {
        const { searchModel } = this.env;
        if (isControlled(searchModel.resModel)) {
            return searchModel.trigger(EXPORT_DIALOG);
        }
        return super.onDirectExportData();
    },
});

patch(ExportDataDialog.prototype, {
    setup() {
        super.setup();
        this.isReasonNeeded = isControlled(this.props.root.resModel);
        this.reasonRef = useRef("tradeReason");
        this.reason = useState({ text: "", isMissing: false });
        onMounted(() => this.reasonRef.el?.focus());
    },

    onInputReason(ev) {
        this.reason.text = ev.target.value;
        this.reason.isMissing = false;
    },

    async onClickExportButton() {
        if (!this.isReasonNeeded) {
            return super.onClickExportButton();
        }
        const reason = this.reason.text.trim();
        const { min_length } = session.trade_export_control;
        if (reason.length < min_length) {
            this.reason.isMissing = true;
            this.reasonRef.el.focus();
            return this.notification.add(
                _t("Please give a reason for the export, in at least %s characters.", min_length),
                { type: "danger" },
            );
        }
        return this.withReason(reason, () => super.onClickExportButton());
    },

    /**
     * The download takes its context from the list, before it waits for anything: the reason is
     * there for that long and no longer.
     */
    withReason(reason, download) {
        const { config } = this.props.root;
        const { context } = config;
        config.context = { ...context, trade_export_reason: reason };
        try {
            return download();
        } finally {
            config.context = context;
        }
    },
});
