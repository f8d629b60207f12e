"""The appliance around the filter: accounts, domains, policies, screens and commands."""
