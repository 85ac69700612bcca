from . import trade_lead_trail
from . import trade_target_report
from . import trade_credit_report
from . import trade_statement
