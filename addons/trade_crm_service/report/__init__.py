from . import trade_sla_report
from . import trade_nps_report
