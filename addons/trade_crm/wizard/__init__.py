from . import base_partner_merge
from . import trade_preset_apply
