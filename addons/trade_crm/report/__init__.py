from . import trade_lead_trail
