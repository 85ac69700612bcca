{
    "name": "Trade CRM: Service",
    "summary": "Tickets of a trading company's customers",
    "version": "19.0.1.1.0",
    "category": "Services/Helpdesk",
    "author": "Trade CRM",
    "license": "AGPL-3",
    "depends": ["trade_crm", "helpdesk_mgmt"],
    "data": [
        "security/trade_crm_service_groups.xml",
        "views/menus.xml",
        "wizard/trade_territory_assign_views.xml",
    ],
}
