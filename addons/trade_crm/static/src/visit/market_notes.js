import { Component, useState } from "@odoo/owl";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useDebounced } from "@web/core/utils/timing";

const SEARCH_DELAY = 300;

/** What was seen on site, a card each. `onChange` is called after each change of `notes`. */
export class MarketNotes extends Component {
    static template = "trade_crm.MarketNotes";
    static props = { notes: Array, sheet: Object, onChange: Function };

    setup() {
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        this.state = useState({ products: [...this.props.sheet.products] });
        this.search = useDebounced((text) => this.findProducts(text), SEARCH_DELAY);
    }

    async findProducts(text) {
        const domain = [["sale_ok", "=", true]];
        const found = await this.keepLast.add(
            this.orm.silent.call("product.product", "name_search", [text, domain], { limit: 8 }),
        );
        const known = new Set(this.state.products.map(([id]) => id));
        this.state.products.push(...found.filter(([id]) => !known.has(id)));
    }

    add(kind) {
        this.props.notes.push({ kind, product: "", competitor: "" });
        this.props.onChange();
    }

    remove(note) {
        this.props.notes.splice(this.props.notes.indexOf(note), 1);
        this.props.onChange();
    }

    set(note, name, value) {
        note[name] = value;
        this.props.onChange();
    }

    setProduct(note, text) {
        note.product = text;
        note.product_id = this.state.products.find(([, name]) => name === text.trim())?.[0];
        if (text && !note.product_id) {
            this.search(text);
        }
        this.props.onChange();
    }

    setNumber(note, name, text) {
        const number = parseFloat(text.replace(",", "."));
        this.set(note, name, number >= 0 ? number : undefined);
    }

    kindLabel(note) {
        return this.props.sheet.kinds.find(([kind]) => kind === note.kind)[1];
    }
}
