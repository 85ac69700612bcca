from . import trade_campaign_report
from . import trade_marketing_cost_report
