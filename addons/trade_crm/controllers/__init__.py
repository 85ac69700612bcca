from . import json
from . import inquiry
from . import portal
