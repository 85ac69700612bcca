"""What the demo company of Trade CRM gets with this addon; nothing of it imports this package."""

from .campaigns import load_campaigns

STEPS = []
# These need the tiers and profiles of today.
LAST_STEPS = [("campaigns", load_campaigns, 2)]
LOGINS = {}
__all__ = ["LAST_STEPS", "LOGINS", "STEPS"]
