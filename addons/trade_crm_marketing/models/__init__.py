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
from . import mailing_opt_out
from . import res_company_contact
from . import res_partner_consent
from . import trade_privacy_message

# Campaigns
from . import res_company_campaign
from . import utm_campaign
from . import utm_campaign_audience
from . import utm_campaign_state
from . import utm_campaign_coupon
from . import utm_campaign_message
from . import res_partner_campaign
from . import trade_campaign_variant
from . import trade_campaign_member
from . import trade_campaign_cost
from . import trade_privacy_campaign
from . import trade_territory_campaign
from . import trade_segment_campaign
from . import loyalty_reward
from . import mailing_mailing_campaign

# Results and experiments
from . import trade_campaign_dirty
from . import trade_campaign_order
from . import trade_campaign_attribution
from . import trade_campaign_member_result
from . import sale_order_campaign
from . import utm_campaign_result
from . import utm_campaign_experiment
from . import utm_campaign_verdict
from . import mailing_mailing_verdict
from . import trade_privacy_campaign_order
