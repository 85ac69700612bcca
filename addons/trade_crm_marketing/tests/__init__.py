from . import test_menus
from . import test_mailing_territory
from . import test_mailing_mask
from . import test_privacy

# Messages and consent
from . import test_message_send
from . import test_contact_guard
from . import test_consent
from . import test_message_provider

# Campaigns
from . import test_campaign
from . import test_campaign_audience
from . import test_campaign_coupon
from . import test_campaign_concurrency
from . import test_campaign_ui

# Results and experiments
from . import test_campaign_results
from . import test_campaign_experiment
from . import test_campaign_attribution
