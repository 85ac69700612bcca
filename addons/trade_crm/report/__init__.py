from . import trade_target_report
