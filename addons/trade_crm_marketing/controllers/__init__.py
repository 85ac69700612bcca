from . import preferences
from . import provider
