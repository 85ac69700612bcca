from . import test_menus, test_ticket_territory
