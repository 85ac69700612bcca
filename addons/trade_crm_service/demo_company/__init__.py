"""What the demo company of Trade CRM gets with this addon; nothing of it imports this package."""

from .answers import load_answers
from .tickets import USERS, load_tickets

STEPS = [("tickets", load_tickets, 3), ("answers", load_answers, 1)]
LOGINS = {login: (login, role) for login, (_name, _lang, role, _group) in USERS.items()}
__all__ = ["LOGINS", "STEPS"]
