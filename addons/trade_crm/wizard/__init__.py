from . import base_partner_merge
from . import trade_preset_apply
from . import trade_territory_apply
from . import trade_territory_assign
from . import trade_territory_viewers
from . import trade_privacy_erase
from . import privacy_lookup_wizard
