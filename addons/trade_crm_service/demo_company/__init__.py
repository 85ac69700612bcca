"""What the demo company of Trade CRM gets with this addon; nothing of it imports this package."""

from .tickets import load_tickets

STEPS = [("tickets", load_tickets, 3)]
__all__ = ["STEPS"]
