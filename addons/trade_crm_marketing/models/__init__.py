from . import mailing_mailing
from . import trade_territory_scope
