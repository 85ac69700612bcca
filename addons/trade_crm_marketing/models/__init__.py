from . import mailing_mask
from . import mailing_mailing
from . import trade_territory_scope
from . import trade_privacy_request

# Messages and consent
from . import trade_message
