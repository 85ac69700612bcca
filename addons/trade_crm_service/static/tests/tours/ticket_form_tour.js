import { registry } from "@web/core/registry";

/** A customer with a login opens a ticket on the portal and sees how it goes. */
registry.category("web_tour.tours").add("trade_ticket_portal", {
    url: "/new/ticket",
    steps: () => [
        { trigger: "select[name=type]", run: "selectByLabel Test delay" },
        { trigger: "input[name=subject]", run: "edit Where is it?" },
        { trigger: "textarea[name=description]", run: "edit It should be here." },
        { trigger: "form[action='/submitted/ticket'] button[type=submit]", run: "click", expectUnloadPage: true },
        { trigger: ".o_trade_steps li[aria-current=step]" },
    ],
});

/** An agent on the phone finds who is calling and opens a ticket. */
registry.category("web_tour.tours").add("trade_incoming_call", {
    steps: () => [
        { trigger: ".o_trade_call .card-title:contains('Ms. Wu')" },
        { trigger: ".o_trade_call button:contains('New ticket')", run: "click" },
        { trigger: ".o_field_widget[name=partner_id] input:value('Ms. Wu')" },
        { trigger: ".o_field_widget[name=name] input", run: "edit Broken pot" },
        { trigger: ".o_field_widget[name=description] .odoo-editor-editable", run: "editor Broken" },
        { trigger: ".o_form_button_save", run: "click" },
        { trigger: ".o_form_saved" },
    ],
});
