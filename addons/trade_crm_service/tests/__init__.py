from . import test_complaint, test_menus, test_ticket_territory
from . import test_privacy
from . import test_sla
from . import test_nps, test_survey, test_survey_link
from . import test_ticket_family
from . import test_ticket_form, test_ticket_tell
from . import test_ticket_link, test_ticket_route
from . import test_ticket_remedy, test_ticket_today, test_ticket_ui
