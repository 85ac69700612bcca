from . import test_customer_profile
from . import test_order_history
from . import test_order_import
from . import test_policy_scores
from . import test_profile_incremental
from . import test_profile_oracle
from . import test_tier_share
from . import test_ui
