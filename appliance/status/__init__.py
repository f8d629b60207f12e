"""The appliance itself: site settings and traced senders."""
