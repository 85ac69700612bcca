import { Component, onWillStart, useState } from "@odoo/owl";
import { deserializeDate, formatDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useDebounced } from "@web/core/utils/timing";
import { ControlPanel } from "@web/search/control_panel/control_panel";
import { formatFloat, formatMonetary } from "@web/views/fields/formatters";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { CustomerPicker } from "../customer_picker/customer_picker";
import { makeToken } from "../outbox/outbox_service";
import { getKept, keep } from "../core/kept_state";

const MODEL = "trade.quick.order";
const SEARCH_DELAY = 300;
// Prices and stock of yesterday are others.
const LONGEST_DRAFT = 24 * 60 * 60 * 1000;

/** An order with a thumb: the customer, what they usually buy, how much of it, send. */
export class QuickOrder extends Component {
    static template = "trade_crm.QuickOrder";
    static components = { ControlPanel, CustomerPicker };
    static props = { ...standardActionServiceProps };

    setup() {
        this.action = useService("action");
        this.notification = useService("notification");
        this.orm = useService("orm");
        this.outbox = useService("trade_outbox");
        this.keepLast = new KeepLast();
        const { context } = this.props.action;
        this.partnerId = context.active_id || getKept(this).partnerId;
        this.visitToken = context.visit_token || null;
        // The same until the order has arrived, so that trying again makes no second one.
        this.token = makeToken();
        this.state = useState({ data: null, lines: [], text: "", found: [], sending: false, isKept: false });
        this.search = useDebounced(() => this.find(), SEARCH_DELAY);
        this.saveDraft = useDebounced(() => this.keepDraft(), SEARCH_DELAY);
        onWillStart(() => this.partnerId && this.loadBasket());
    }

    async loadBasket() {
        let draft = await this.findDraft();
        const args = [this.partnerId, draft?.token || null];
        this.state.data = await this.orm.call(MODEL, "get_basket", args);
        keep(this, { partnerId: this.partnerId });
        if (draft && (this.state.data.sent || this.outbox.isWaiting(this.draftKey))) {
            // It is on its way or has arrived, and the page was closed before it heard so.
            await this.outbox.dropDraft(this.draftKey);
            draft = null;
        }
        const quantities = new Map((draft?.lines || []).map((line) => [line.product_id, line.quantity]));
        const usual = new Set(this.state.data.lines.map(({ product_id }) => product_id));
        this.token = draft?.token || makeToken();
        this.state.lines = [
            ...(draft?.lines || []).filter(({ product_id }) => !usual.has(product_id)),
            ...this.state.data.lines.map((line) => ({ ...line, quantity: quantities.get(line.product_id) || 0 })),
        ];
        this.state.text = "";
        this.state.found = [];
    }

    // What is typed survives the page, until it is sent.
    get draftKey() {
        return `order-${this.partnerId}-${this.visitToken || ""}`;
    }

    async findDraft() {
        const drafts = await this.outbox.getDrafts();
        return drafts.find(({ key, at }) => key === this.draftKey && at > Date.now() - LONGEST_DRAFT);
    }

    makeDraft() {
        return { key: this.draftKey, at: Date.now(), token: this.token, lines: this.ordered, values: {} };
    }

    keepDraft() {
        return this.state.data && this.outbox.saveDraft(this.draftKey, this.makeDraft());
    }

    async find() {
        const text = this.state.text.trim();
        this.state.found = text
            ? await this.keepLast.add(this.orm.call(MODEL, "find_products", [this.partnerId, text]))
            : [];
    }

    onInput(ev) {
        this.state.text = ev.target.value;
        this.search();
    }

    chooseCustomer(partnerId) {
        this.partnerId = partnerId;
        return this.loadBasket();
    }

    add(product) {
        const known = this.state.lines.find(({ product_id }) => product_id === product.product_id);
        if (known) {
            this.change(known, 1);
        } else {
            this.state.lines.unshift({ ...product, quantity: 1 });
        }
        this.state.text = "";
        this.state.found = [];
        this.saveDraft();
    }

    change(line, by) {
        line.quantity = Math.max(0, line.quantity + by);
        this.saveDraft();
    }

    setQuantity(line, ev) {
        const quantity = parseFloat(ev.target.value.replace(",", "."));
        line.quantity = quantity > 0 ? quantity : 0;
        ev.target.value = line.quantity;
        this.saveDraft();
    }

    takeUsual() {
        for (const line of this.state.lines) {
            line.quantity = line.usual;
        }
        this.saveDraft();
    }

    get pickerTitle() {
        return _t("Who orders?");
    }

    get addPlaceholder() {
        return _t("Add a product: name, number or barcode");
    }

    get ordered() {
        return this.state.lines.filter(({ quantity }) => quantity > 0);
    }

    get total() {
        return this.ordered.reduce((total, { price, quantity }) => total + price * quantity, 0);
    }

    isShort({ available, quantity }) {
        return available !== null && quantity > available;
    }

    formatMoney(amount) {
        return formatMonetary(amount, { currencyId: this.state.data.currency_id });
    }

    formatQuantity(quantity) {
        return formatFloat(quantity, { digits: [16, 2], trailingZeros: false });
    }

    /** What the customer knows of the product, and what is there. */
    describe(line) {
        const parts = [_t("%(price)s per %(unit)s", { price: this.formatMoney(line.price), unit: line.unit })];
        if (line.last_day) {
            parts.push(
                _t("last %(price)s on %(day)s", {
                    price: this.formatMoney(line.last_price),
                    day: formatDate(deserializeDate(line.last_day)),
                }),
            );
        }
        if (line.available !== null) {
            parts.push(_t("%s available", this.formatQuantity(line.available)));
        }
        return parts.join(" · ");
    }

    async send(confirm) {
        if (this.state.sending) {
            return;
        }
        this.state.sending = true;
        try {
            const lines = this.ordered.map(({ product_id, quantity }) => ({ product_id, quantity }));
            const { result, waiting } = await this.outbox.send({
                model: MODEL,
                method: "send",
                args: [this.partnerId, lines, this.token, confirm, this.visitToken],
                title: _t("Order of %s", this.state.data.customer.name),
                group: this.visitToken || undefined,
                draft: {
                    key: this.draftKey,
                    draft: this.makeDraft(),
                    action: {
                        type: "ir.actions.client",
                        tag: "trade_crm.quick_order",
                        name: _t("Quick order"),
                        context: { active_id: this.partnerId, visit_token: this.visitToken },
                    },
                },
            });
            this.saveDraft.cancel();
            await this.outbox.dropDraft(this.draftKey);
            this.token = makeToken();
            if (waiting) {
                this.state.isKept = true;
            } else {
                await this.showOrder(result);
            }
        } finally {
            this.state.sending = false;
        }
    }

    showOrder({ id, name, refusal }) {
        if (refusal) {
            const text = _t("%(order)s stays a quotation: %(reason)s", { order: name, reason: refusal });
            this.notification.add(text, { type: "warning", sticky: true });
        } else {
            this.notification.add(_t("%s has been sent.", name), { type: "success" });
        }
        return this.action.doAction(
            { type: "ir.actions.act_window", res_model: "sale.order", res_id: id, views: [[false, "form"]] },
            { stackPosition: "replaceCurrentAction" },
        );
    }

    startAgain() {
        this.partnerId = null;
        Object.assign(this.state, { data: null, lines: [], isKept: false });
    }
}

registry.category("actions").add("trade_crm.quick_order", QuickOrder);
