"""Speaking SMTP and LMTP: the hardened listener, and the relay to the next hop."""
