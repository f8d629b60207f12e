"""Postern's filter: what happens to one message.  Knows nothing of Django, Celery or the web.

Storeys, an import may only point down:
daemon > pipeline > smtp | scan | unpack > ports > verdict > policy > mail.
"""
