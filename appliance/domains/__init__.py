"""What the site filters: local domains, mailboxes, own networks."""
