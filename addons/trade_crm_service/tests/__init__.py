from . import test_menus, test_ticket_territory
from . import test_privacy
