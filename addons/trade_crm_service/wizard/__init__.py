from . import trade_territory_assign
from . import trade_ticket_merge
from . import trade_ticket_split
from . import trade_ticket_batch
from . import trade_ticket_remedy
