import { registry } from "@web/core/registry";

// A seller on a phone: from the customer to everything about it, and back to one order.
registry.category("web_tour.tours").add("trade_crm_customer_360", {
    steps: () => [
        {
            content: "more buttons",
            trigger: ".o_control_panel button:has(.fa-bolt)",
            run: "click",
        },
        { content: "everything", trigger: "button[name=action_open_360]", run: "click" },
        { content: "what it bought", trigger: "[data-panel=products] .o_trade_row:contains('Advice')" },
        { content: "what is late", trigger: "[data-panel=money] .text-danger" },
        {
            content: "orders only",
            trigger: ".o_trade_timeline button[data-kind=order]",
            run: "click",
        },
        {
            content: "no quotations are left",
            trigger: ".o_trade_timeline:not(:has(.o_trade_item[data-kind=quotation]))",
        },
        {
            content: "open the latest",
            trigger: ".o_trade_item[data-kind=order]:first",
            run: "click",
        },
        { content: "it is an order", trigger: ".o_form_view [name=order_line]" },
    ],
});
