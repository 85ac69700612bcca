import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

function openInsight(menu) {
    return [
        {
            trigger: 'button[data-menu-xmlid="trade_crm.menu_insight"]',
            run: "click",
        },
        {
            trigger: `a[data-menu-xmlid="trade_crm.${menu}"]`,
            run: "click",
        },
    ];
}

registry.category("web_tour.tours").add("trade_crm_value", {
    url: "/odoo",
    steps: () => [
        stepUtils.showAppsMenuItem(),
        {
            trigger: '.o_app[data-menu-xmlid="trade_crm.menu_root"]',
            run: "click",
        },
        { trigger: ".o_trade_today" },
        ...openInsight("menu_insight_value_matrix"),
        {
            content: "a large order makes a spender",
            trigger: "[data-quadrant=spender]:contains(/ 1 ?/) .o_trade_open",
            run: "click",
        },
        {
            trigger: ".o_list_view:has(.o_data_row:contains(Golden Wok)):not(:has(.o_data_row:contains(Corner Shop)))",
        },
        ...openInsight("menu_insight_value_matrix"),
        {
            content: "small customers that are new",
            trigger: "[data-segment=new]",
            run: "click",
        },
        {
            trigger: ".o_list_view:has(.o_data_row:contains(Corner Shop)):not(:has(.o_data_row:contains(Golden Wok)))",
        },
        ...openInsight("menu_insight_order_ladder"),
        {
            content: "tell the customers apart by quadrant",
            trigger: ".o_trade_group",
            run: "select quadrant",
        },
        {
            trigger: ".o_trade_order_ladder:contains(Spender)",
        },
        {
            content: "who waits for the second order",
            trigger: "[data-step='1'] .o_trade_waiting:not(:disabled)",
            run: "click",
        },
        { trigger: ".o_list_view .o_data_row:contains(Corner Shop)" },
        ...openInsight("menu_insight_concentration"),
        {
            content: "one customer brings nearly all of the revenue",
            trigger: ".o_trade_classes [data-top='0.01'] .o_trade_class",
            run: "click",
        },
        {
            trigger: ".o_list_view:has(.o_data_row:contains(Golden Wok)):not(:has(.o_data_row:contains(Corner Shop)))",
        },
        ...openInsight("menu_insight_sales"),
        { trigger: ".o_pivot table:contains(Revenue)" },
        {
            content: "the lines behind it",
            trigger: ".o_switch_view.o_list",
            run: "click",
        },
        { trigger: ".o_list_view .o_data_row:contains(Golden Wok)" },
    ],
});
