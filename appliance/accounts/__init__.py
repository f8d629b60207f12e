"""Who uses the appliance: accounts, roles, memberships, and who may see what."""
