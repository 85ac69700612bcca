import { registry } from "@web/core/registry";

const fill = (name, value) => ({
    content: `enter ${name}`,
    trigger: `.modal [name=${name}] .o_input`,
    run: `edit ${value}`,
});

const stays = (name, value) => ({
    content: `${name} is still there`,
    trigger: `.modal [name=${name}] .o_input:value(${value})`,
});

registry.category("web_tour.tours").add("trade_crm_lead_quick", {
    steps: () => [
        {
            content: "the channel of the last entry is there",
            trigger: ".modal [name=channel_id] input:value(Canton Fair)",
        },
        fill("contact_name", "Ms. Chen"),
        fill("partner_name", "Golden Wok"),
        fill("phone", "12"),
        fill("need", "500 boxes"),
        {
            content: "rate it",
            trigger: ".modal [name=priority] .o_priority_star:eq(1)",
            run: "click",
        },
        {
            content: "a photo may be taken",
            trigger: '.modal [name=card] input[type=file][accept="image/*"]:not(:visible)',
        },
        { trigger: ".modal button[name=action_save_next]", run: "click" },
        {
            content: "what is wrong is said",
            trigger: ".modal .o_error_dialog, .modal:contains(Phone: 12 is not a phone number)",
        },
        {
            content: "go back",
            trigger: ".modal:contains(Phone: 12 is not a phone number) .modal-footer button",
            run: "click",
        },
        { trigger: "body:not(:has(.modal:contains(Phone: 12)))" },
        stays("contact_name", "Ms. Chen"),
        stays("partner_name", "Golden Wok"),
        stays("phone", "12"),
        stays("need", "500 boxes"),
        fill("phone", "138 0013 8000"),
        { trigger: ".modal button[name=action_save_next]", run: "click" },
        {
            content: "it is saved",
            trigger: ".modal .alert-success:contains(Golden Wok: 500 boxes)",
        },
        {
            content: "the next one is empty and of the same channel",
            trigger: ".modal:has([name=channel_id] input:value(Canton Fair)) [name=contact_name] input:value(/^$/)",
        },
        fill("contact_name", "Mr. Li"),
        fill("email", "li@silver-wok.example"),
        { trigger: ".modal button[name=action_save_open]", run: "click" },
        {
            content: "the lead is open",
            trigger: "body:not(:has(.modal)) .o_lead_opportunity_form [name=name]",
        },
    ],
});
