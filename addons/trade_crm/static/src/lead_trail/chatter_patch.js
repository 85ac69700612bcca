import { Chatter } from "@mail/chatter/web_portal/chatter";
import { useEffect } from "@odoo/owl";
import { patch } from "@web/core/utils/patch";
import { useService } from "@web/core/utils/hooks";

const MODELS = new Set(["crm.lead", "res.partner"]);
const NOTIFICATION = "trade_crm.trail/changed";

/**
 * Whoever has a lead or customer open sees at once what a colleague logs there. Odoo fetches the
 * messages of a document only when it is opened or when one posts oneself.
 */
patch(Chatter.prototype, {
    setup() {
        super.setup(...arguments);
        const bus = useService("bus_service");
        useEffect(
            (model, id) => {
                if (!id || !MODELS.has(model)) {
                    return;
                }
                const channel = `trade_crm.trail:${model}:${id}`;
                const onChange = (payload) => {
                    if (payload.model === model && payload.id === id) {
                        this.load(this.state.thread, ["messages", "activities"]);
                    }
                };
                bus.addChannel(channel);
                bus.subscribe(NOTIFICATION, onChange);
                return () => {
                    bus.unsubscribe(NOTIFICATION, onChange);
                    bus.deleteChannel(channel);
                };
            },
            () => [this.props.threadModel, this.props.threadId],
        );
    },
});
