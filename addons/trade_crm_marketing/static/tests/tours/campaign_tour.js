import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("trade_crm_plan_campaign", {
    steps: () => [
        { content: "a new campaign", trigger: ".o-kanban-button-new", run: "click" },
        { trigger: ".o_field_widget[name=title] textarea, .o_field_widget[name=title] input", run: "edit Harvest" },
        {
            content: "its audience",
            trigger: ".o_field_widget[name=trade_segment_ids] input",
            run: "click",
        },
        {
            trigger: ".o_kanban_record:contains(Sixty buyers), .o-autocomplete--dropdown-item:contains(Sixty buyers)",
            run: "click",
        },
        { trigger: ".o_field_widget[name=trade_segment_ids] .o_tag:contains(Sixty buyers)" },
        { trigger: ".o_form_button_save", run: "click" },
        { content: "who would be reached", trigger: ".o_form_saved" },
        { trigger: ".o_statusbar_buttons button[name=action_trade_submit]:contains(Send for approval)", run: "click" },
        {
            content: "what is missing is said in words",
            trigger: ".modal:contains(Variant A: choose an e-mail or SMS as its content)",
        },
        { trigger: ".modal footer button", run: "click" },
        { trigger: "body:not(:has(.modal))" },
    ],
});

registry.category("web_tour.tours").add("trade_crm_start_campaign", {
    steps: () => [
        { trigger: ".o_statusbar_buttons button[name=action_trade_approve]", run: "click" },
        { trigger: ".o_statusbar_buttons button[name=action_trade_start]", run: "click" },
        { content: "it asks first", trigger: ".modal:contains(The audience is frozen now)" },
        { trigger: ".modal footer .btn-primary", run: "click" },
        { content: "it runs", trigger: ".o_statusbar_buttons button[name=action_trade_pause]" },
    ],
});
