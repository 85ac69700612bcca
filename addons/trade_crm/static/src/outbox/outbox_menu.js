import { Component, useState } from "@odoo/owl";
import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { useDropdownState } from "@web/core/dropdown/dropdown_hooks";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";

/** What waits on this phone; there only while something does. */
export class OutboxMenu extends Component {
    static template = "trade_crm.OutboxMenu";
    static components = { Dropdown };
    static props = {};

    setup() {
        this.action = useService("action");
        this.dialog = useService("dialog");
        this.outbox = useService("trade_outbox");
        this.dropdown = useDropdownState();
        this.state = useState(this.outbox.state);
    }

    get refused() {
        return this.state.entries.filter(({ error }) => error).length;
    }

    /** Back to the page where it was typed. */
    async open(entry) {
        const { key, draft, action } = entry.draft;
        await this.outbox.saveDraft(key, draft);
        // The page sends again what goes with it; what has a page of its own stays.
        const parts = this.state.entries.filter(({ group, draft }) => group && group === entry.group && !draft);
        await Promise.all([entry, ...parts].map(this.outbox.forget));
        this.dropdown.close();
        await this.action.doAction(action);
    }

    discard(entry) {
        this.dialog.add(ConfirmationDialog, {
            title: _t("Discard"),
            body: _t("“%s” has not arrived. What was typed is lost when you discard it.", entry.title),
            confirmLabel: _t("Discard"),
            confirm: () => this.outbox.forget(entry),
            cancel: () => {},
        });
    }
}

registry.category("systray").add("trade_crm.outbox", { Component: OutboxMenu }, { sequence: 40 });
