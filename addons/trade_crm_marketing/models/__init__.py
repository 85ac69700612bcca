from . import trade_territory_scope
