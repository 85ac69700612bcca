from . import test_menus
from . import test_mailing_territory
from . import test_mailing_mask
from . import test_privacy

# Messages and consent
from . import test_message_send
