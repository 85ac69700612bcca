import { Component, onWillStart, useState } from "@odoo/owl";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useDebounced } from "@web/core/utils/timing";

const SEARCH_DELAY = 300;

/** The customer to whom something is done, found by a part of the name. */
export class CustomerPicker extends Component {
    static template = "trade_crm.CustomerPicker";
    static props = { title: String, onChoose: Function };

    setup() {
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        this.state = useState({ text: "", customers: [] });
        this.search = useDebounced(() => this.find(), SEARCH_DELAY);
        onWillStart(() => this.find());
    }

    async find() {
        const found = this.orm.call("trade.quick.order", "find_customers", [this.state.text.trim()]);
        this.state.customers = await this.keepLast.add(found);
    }

    onInput(ev) {
        this.state.text = ev.target.value;
        this.search();
    }
}
