"""Statistics of campaigns: numpy and scipy only, nothing of Odoo."""
