import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

registry.category("web_tour.tours").add("trade_crm_customers", {
    url: "/odoo",
    steps: () => [
        stepUtils.showAppsMenuItem(),
        {
            content: "open the application",
            trigger: '.o_app[data-menu-xmlid="trade_crm.menu_root"]',
            run: "click",
        },
        {
            content: "it opens on what there is to do",
            trigger: ".o_trade_today",
        },
        {
            trigger: 'button[data-menu-xmlid="trade_crm.menu_customers"]',
            run: "click",
        },
        {
            trigger: 'a[data-menu-xmlid="trade_crm.menu_customers_all"]',
            run: "click",
        },
        {
            content: "group the customers",
            trigger: ".o_list_view:has(.o_data_row:contains(Golden Wok)) .o_searchview_dropdown_toggler",
            run: "click",
        },
        {
            content: "by tier",
            trigger: ".o_group_by_menu .o_menu_item:contains(/^Tier$/)",
            run: "click",
        },
        {
            content: "unfold the core customers",
            trigger: ".o_group_header:contains(Core (1))",
            run: "click",
        },
        {
            content: "open one",
            trigger: ".o_data_row:contains(Golden Wok) td[name=complete_name]",
            run: "click",
        },
        {
            content: "see why it is a core customer",
            trigger: ".o_notebook .nav-link[name=trade_profile]",
            run: "click",
        },
        { trigger: ".tab-pane.active:contains(revenue of 12 months from)" },
        {
            content: "see the other buttons",
            trigger: ".o-form-buttonbox .o_button_more",
            run: "click",
        },
        {
            content: "open the whole profile",
            trigger: "button[name=action_view_trade_profile]",
            run: "click",
        },
        { trigger: ".o_form_view:contains(Rhythm) [name=tier_id]:contains(Core)" },
        {
            content: "go to the shares of the tiers",
            trigger: 'button[data-menu-xmlid="trade_crm.menu_insight"]',
            run: "click",
        },
        {
            trigger: 'a[data-menu-xmlid="trade_crm.menu_insight_tiers"]',
            run: "click",
        },
        {
            content: "click the core tier",
            trigger: ".o_trade_tier_table tr[data-tier=Core]",
            run: "click",
        },
        { trigger: ".o_last_breadcrumb_item:contains(Core)" },
        {
            content: "only its customers are listed",
            trigger: ".o_list_view:has(.o_data_row:contains(Golden Wok)):not(:has(.o_data_row:contains(Corner Shop)))",
        },
    ],
});
