import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

const openApplication = () => [
    stepUtils.showAppsMenuItem(),
    {
        content: "open the application",
        trigger: '.o_app[data-menu-xmlid="trade_crm.menu_root"]',
        run: "click",
    },
];

const openMenu = (section, menu) => [
    {
        content: `open the menu ${section}`,
        trigger: `button[data-menu-xmlid="trade_crm.${section}"]`,
        run: "click",
    },
    {
        content: `open ${menu}`,
        trigger: `a[data-menu-xmlid="trade_crm.${menu}"]`,
        run: "click",
    },
];

registry.category("web_tour.tours").add("trade_crm_territory_rep", {
    url: "/odoo",
    steps: () => [
        ...openApplication(),
        ...openMenu("menu_customers", "menu_customers_all"),
        {
            content: "only the customers of the territory are there",
            trigger: ".o_list_view:has(.o_data_row:contains(Golden Wok East)):not(:has(.o_data_row:contains(Hutong)))",
        },
        {
            content: "open one",
            trigger: ".o_data_row:contains(Golden Wok East) td[name=complete_name]",
            run: "click",
        },
        {
            content: "look where it belongs",
            trigger: ".o_notebook .nav-link[name=sales_purchases]",
            run: "click",
        },
        { trigger: ".tab-pane.active [name=territory_id]:contains(Zhejiang)" },
        ...openMenu("menu_sales", "menu_sales_quotations"),
        {
            content: "make a quotation",
            trigger: ".o_list_button_add, .o_list_view .o_button_add",
            run: "click",
        },
        {
            content: "a foreign customer is not found",
            trigger: ".o_field_widget[name=partner_id] input",
            run: "edit Hutong",
        },
        { trigger: ".o-autocomplete--dropdown-menu:not(:contains(Hutong House))" },
        {
            content: "the own one is",
            trigger: ".o_field_widget[name=partner_id] input",
            run: "edit Golden Wok East",
        },
        {
            trigger: ".o-autocomplete--dropdown-item:contains(Golden Wok East)",
            run: "click",
        },
        {
            content: "add a product",
            trigger: ".o_field_x2many_list_row_add button, .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            trigger:
                "[name=order_line] .o_data_row [name=product_template_id] input, [name=order_line] .o_data_row [name=product_id] input",
            run: "edit Noodles",
        },
        {
            trigger: ".o-autocomplete--dropdown-item:contains(Noodles)",
            run: "click",
        },
        { trigger: "[name=order_line] .o_selected_row [name=product_template_id] input:value(Noodles)" },
        {
            content: "confirm the order",
            trigger: ".o_statusbar_buttons button[name=action_confirm]:enabled",
            run: "click",
        },
        { trigger: ".o_statusbar_status .o_arrow_button_current:contains(Sales Order)" },
        {
            content: "cancel it",
            trigger: ".o_statusbar_buttons button[name=action_cancel]",
            run: "click",
        },
        {
            trigger: ".modal .btn-primary:contains(Ok)",
            run: "click",
        },
        { trigger: ".o_statusbar_status .o_arrow_button_current:contains(Cancelled)" },
    ],
});

registry.category("web_tour.tours").add("trade_crm_territory_manager", {
    url: "/odoo",
    steps: () => [
        ...openApplication(),
        ...openMenu("menu_configuration", "menu_configuration_territories"),
        {
            content: "see whom the rules would move",
            trigger:
                ".o_list_view:has(.o_data_row:contains(East / Zhejiang)) .o_control_panel button:contains(Apply rules)",
            run: "click",
        },
        {
            content: "one customer, to the north",
            trigger: ".modal .o_data_row:contains(East / Shanghai):contains(North)",
        },
        {
            content: "move it",
            trigger: ".modal button[name=action_apply]",
            run: "click",
        },
        { trigger: ".o_notification:contains(Customers moved)" },
        ...openMenu("menu_customers", "menu_customers_all"),
        {
            trigger: ".o_list_view .o_data_row:contains(Hutong House) td[name=complete_name]",
            run: "click",
        },
        {
            trigger: ".o_notebook .nav-link[name=sales_purchases]",
            run: "click",
        },
        {
            content: "ask who sees it",
            trigger: "button[name=action_trade_viewers]",
            run: "click",
        },
        { trigger: ".modal .o_data_row:contains(territory_beijing):contains(Member of North)" },
        {
            trigger: ".modal button:contains(Close)",
            run: "click",
        },
        {
            content: "move it by hand",
            trigger: "[name=trade_territory] button:contains(Move)",
            run: "click",
        },
        {
            trigger: ".modal [name=territory_id] input",
            run: "edit Zhejiang",
        },
        {
            trigger: ".o-autocomplete--dropdown-item:contains(East / Zhejiang)",
            run: "click",
        },
        {
            trigger: ".modal button[name=action_move]",
            run: "click",
        },
        { trigger: "[name=trade_territory]:contains(East / Zhejiang):contains(By hand)" },
        ...openMenu("menu_insight", "menu_insight_territory_moves"),
        {
            content: "both moves are on record",
            trigger:
                ".o_list_view:has(.o_data_row:contains(Hutong House):contains(By hand)) .o_data_row:contains(Bund Bistro):contains(By a rule)",
        },
    ],
});
