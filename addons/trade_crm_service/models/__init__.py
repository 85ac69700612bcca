from . import helpdesk_ticket
from . import trade_territory_move
from . import trade_privacy_request
from . import res_partner
