"""Calculations of Trade CRM: plain Python that imports nothing of Odoo."""
