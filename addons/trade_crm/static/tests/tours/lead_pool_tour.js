import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("trade_crm_lead_pool", {
    steps: () => [
        {
            content: "who it is cannot be seen",
            trigger: ".o_data_row:contains(138 **** 5678):contains(杭州****)",
        },
        { trigger: ".o_data_row button[name=action_claim]", run: "click" },
        { content: "what is left is said", trigger: ".o_notification:contains(4 more today)" },
        {
            content: "the number is there now",
            trigger: ".o_lead_opportunity_form [name=phone] input:value(+86 138 1234 5678)",
        },
        { trigger: "button[name=action_open_release]", run: "click" },
        {
            trigger: ".modal [name=reason] .o_input",
            run: "edit Buys from our dealer",
        },
        { trigger: ".modal button[name=action_release]", run: "click" },
        { trigger: ".o_notification:contains(Given back: 1)" },
        { content: "back in the pipeline", trigger: ".o_kanban_view.o_opportunity_kanban" },
    ],
});

registry.category("web_tour.tours").add("trade_crm_lead_ask", {
    steps: () => [
        {
            trigger: ".modal [name=name] .o_input",
            run: "edit 杭州西湖茶叶",
        },
        { trigger: ".modal button[name=action_check]", run: "click" },
        {
            content: "whose it is cannot be seen",
            trigger: ".modal:contains(Taken):not(:contains(territory_zhejiang))",
        },
        {
            trigger: ".modal [name=reason] .o_input",
            run: "edit They called me at the fair",
        },
        { trigger: ".modal button[name=action_ask]", run: "click" },
        {
            content: "the request waits for a decision",
            trigger: ".o_form_view .o_arrow_button_current:contains(To decide)",
        },
    ],
});
