"""Set-up, run and test of Trade CRM on a machine that has nothing but Python."""
