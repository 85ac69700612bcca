from . import test_menus, test_ticket_territory
from . import test_privacy
from . import test_ticket_link, test_ticket_route
