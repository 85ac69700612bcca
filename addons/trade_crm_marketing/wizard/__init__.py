from . import base_partner_merge
from . import mail_blacklist_remove
from . import mail_compose_message
from . import trade_mailing_reveal
from . import trade_campaign_winner
