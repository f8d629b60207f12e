"""What a message is: addresses, envelopes, octets, header fields, findings, edits.  Pure: no I/O,
no clock, no log.
"""
