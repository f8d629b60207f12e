"""Who really sent a message: SPF (RFC 7208), DKIM (RFC 6376) and DMARC (RFC 7489) as findings."""
