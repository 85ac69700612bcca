import { registry } from "@web/core/registry";

/** A service manager sees where the score is lost, and reads the answers behind it. */
registry.category("web_tour.tours").add("trade_nps", {
    steps: () => [
        { trigger: ".o_trade_nps_score:contains('24 answers')" },
        { trigger: ".o_trade_nps_driver:first th button:contains('Test late')" },
        { trigger: ".o_trade_nps .o_trade_group", run: "selectByLabel Territory" },
        { trigger: ".o_trade_nps_group:first th button:contains('North')", run: "click" },
        { trigger: ".o_list_view .o_data_row:nth-child(12)" },
    ],
});
