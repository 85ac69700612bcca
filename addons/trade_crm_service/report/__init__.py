from . import trade_sla_report
