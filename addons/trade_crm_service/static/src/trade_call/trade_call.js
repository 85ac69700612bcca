import { Component, onWillStart, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { browser } from "@web/core/browser/browser";
import { router } from "@web/core/browser/router";
import { registry } from "@web/core/registry";
import { useAutofocus, useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";

/**
 * Somebody calls: the number, typed or in the address (/odoo/trade-call?number=…, which a telephone
 * system can open), opens the customer and offers a new ticket.
 */
export class TradeCall extends Component {
    static template = "trade_crm_service.TradeCall";
    static components = { Layout };
    static props = { ...standardActionServiceProps };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        useAutofocus();
        this.state = useState({ number: this.givenNumber, found: null, asked: "" });
        onWillStart(() => this.state.number && this.find());
    }

    /** The router would read a number with zeros in front as another one. */
    get givenNumber() {
        const inAddress = new URLSearchParams(browser.location.search).get("number");
        const given = this.props.action.params?.number ?? inAddress ?? router.current.number ?? "";
        // A plus that is not escaped stands for a space in an address.
        return String(given).replace(/^ /, "+");
    }

    get display() {
        return { controlPanel: {} };
    }

    async find() {
        const number = this.state.number.trim();
        if (!number) {
            return;
        }
        this.state.found = await this.orm.call("helpdesk.ticket", "find_callers", [number]);
        this.state.asked = number;
    }

    get isUnknown() {
        const { found } = this.state;
        return found && !found.callers.length && !found.others.length;
    }

    describeOther(other) {
        const { name, territory, manager } = other;
        return manager
            ? _t("%(name)s: territory %(territory)s. Put the call through to %(manager)s.", {
                  name,
                  territory,
                  manager,
              })
            : _t("%(name)s: territory %(territory)s", { name, territory });
    }

    openCustomer(caller) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "res.partner",
            res_id: caller.customer_id,
            views: [[false, "form"]],
        });
    }

    openTickets(caller) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            name: _t("Open tickets of %s", caller.customer || caller.name),
            res_model: "helpdesk.ticket",
            views: [
                [false, "list"],
                [false, "form"],
            ],
            domain: [["partner_id", "child_of", caller.customer_id]],
            context: { search_default_open: 1 },
        });
    }

    async newTicket(caller) {
        const action = await this.orm.call("helpdesk.ticket", "action_new_call", [
            caller ? caller.id : false,
            this.state.asked,
        ]);
        return this.action.doAction(action);
    }
}

registry.category("actions").add("trade_call", TradeCall);
