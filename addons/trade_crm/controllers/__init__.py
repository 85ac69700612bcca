from . import json
from . import inquiry
