import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("trade_crm_ask_approval", {
    steps: () => [
        {
            content: "the order says what it needs",
            trigger: ".alert:contains(Needs approval because discount 35 % is over 20 %)",
        },
        { trigger: ".o_statusbar_buttons button[name=action_ask_approval]", run: "click" },
        {
            content: "say why",
            trigger: ".modal [name=note] textarea",
            run: "edit They buy again",
        },
        { trigger: ".modal footer button[name=action_apply]:visible", run: "click" },
        {
            content: "it waits",
            trigger: ".alert:contains(Waiting for the approval of Boss)",
        },
    ],
});

registry.category("web_tour.tours").add("trade_crm_approve", {
    steps: () => [
        {
            content: "what is asked for can be read",
            trigger:
                ".o_kanban_record:contains(Golden Wok):contains(discount 35 % is over 20 %):contains(They buy again)",
        },
        { trigger: ".o_kanban_record button.o_trade_refuse", run: "click" },
        { content: "a reason is asked for", trigger: ".modal [name=note] textarea" },
        { trigger: ".modal footer button.btn-secondary, .modal .o_form_button_cancel", run: "click" },
        { trigger: "body:not(:has(.modal))" },
        { trigger: ".o_kanban_record button.o_trade_approve", run: "click" },
        { content: "nothing is left", trigger: ".o_view_nocontent_smiling_face:contains(Nothing waits)" },
    ],
});
