"""A demo company; nothing of Trade CRM imports this package."""

from .cdnow import load_cdnow
from .loader import load

__all__ = ["load", "load_cdnow"]
