import { registry } from "@web/core/registry";

// A seller on site: the plan of the day, what was said, a price, a photo, an order, and done.
async function makePhoto() {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 8;
    canvas.getContext("2d").fillRect(0, 0, 8, 8);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    return new File([blob], "shelf.png", { type: "image/png" });
}

registry.category("web_tour.tours").add("trade_crm_visit", {
    steps: () => [
        {
            content: "the plan of today",
            trigger: ".o_trade_planned:contains('Golden Wok East')",
            run: "click",
        },
        { content: "start", trigger: ".o_trade_start", run: "click" },
        { content: "what was said", trigger: ".o_trade_report", run: "edit They sell well." },
        { content: "a price", trigger: "button[data-kind=competitor]", run: "click" },
        { content: "whose", trigger: ".o_trade_note_competitor", run: "edit Dragon Foods" },
        { content: "how much", trigger: ".o_trade_note_price", run: "edit 12.5 && press Tab" },
        {
            content: "a photo",
            trigger: ".o_trade_photo_add",
            async run() {
                const transfer = new DataTransfer();
                transfer.items.add(await makePhoto());
                const input = this.anchor.querySelector("input");
                input.files = transfer.files;
                input.dispatchEvent(new Event("change", { bubbles: true }));
            },
        },
        { content: "it is there", trigger: ".o_trade_photo img" },
        { content: "they order", trigger: ".o_trade_order", run: "click" },
        { content: "find a product", trigger: ".o_trade_quick_order .o_trade_search", run: "edit Advice" },
        { content: "choose it", trigger: ".o_trade_product:contains('Advice')", run: "click" },
        { content: "send", trigger: ".o_trade_send:enabled", run: "click" },
        { content: "the order", trigger: ".o_form_view [name=order_line]" },
        {
            content: "back to the visit",
            trigger: ".o_back_button, .breadcrumb-item a, .o_breadcrumb button",
            run: "click",
        },
        { content: "what was typed is there", trigger: ".o_trade_visit .o_trade_photo img" },
        { content: "done", trigger: ".o_trade_finish", run: "click" },
        { content: "saved", trigger: ".o_trade_sent" },
    ],
});
