from . import trade_territory_assign
