import { registry } from "@web/core/registry";

const line = (kind) => `.o_trade_line[data-kind=${kind}]`;

// A seller on a phone: reads why, does one thing, takes it back, and puts another off.
registry.category("web_tour.tours").add("trade_crm_today", {
    steps: () => [
        {
            content: "the most money comes first, with its reason",
            trigger: `.o_trade_line:first-of-type:contains('not contacted yet')`,
        },
        {
            content: "look at quotations only",
            trigger: ".o_trade_kinds button[data-kind=quotation]",
            run: "click",
        },
        { content: "only they are left", trigger: "main:not(:has(.o_trade_line[data-kind=lead]))" },
        { content: "done", trigger: `${line("quotation")} .o_trade_done`, run: "click" },
        { content: "it is gone", trigger: `main:not(:has(${line("quotation")}))` },
        {
            content: "take it back",
            trigger: ".o_notification button:contains('Undo')",
            run: "click",
        },
        { content: "put it off", trigger: `${line("quotation")} .o_trade_snooze`, run: "click" },
        { content: "nothing is left of it", trigger: ".o_trade_nothing" },
        {
            content: "everything again",
            trigger: ".o_trade_kinds button[data-kind=quotation]",
            run: "click",
        },
        { content: "open the lead", trigger: `${line("lead")} [role=button]`, run: "click" },
        { content: "it is the lead", trigger: ".o_form_view [name=name] :value('Wants tea')" },
    ],
});
