from . import mailing_mask
from . import mailing_mailing
from . import trade_territory_scope
from . import trade_privacy_request

# Messages and consent
from . import trade_message
from . import trade_message_send
from . import trade_message_settle
from . import trade_message_mail
from . import trade_message_sms
from . import trade_message_call
from . import trade_message_provider
from . import trade_consent
from . import trade_contact_guard
from . import res_company_contact
from . import res_partner_consent
from . import trade_privacy_message
