"""The private stack: everything that `./postern run` and `./postern test` start, and how they end.

    environment.py  what is chosen: addresses, sockets, secrets; kept in var/postern.env
    identity.py     as whom a daemon runs that refuses root
    process.py      a child process that does not outlive the launcher
    private/        Postgres, Redis, spamd, clamd: configured, started, ready
    stack.py        the parts, started in order, watched, stopped in reverse
    launcher.py     `run`: one stack in the foreground;   seed.py  what the first start adds
    testing.py      `test`: the private services for pytest
    mailbox.py      the demo mailbox, which plays the next hop;   sending.py  one mail to the filter
    demo.py         `demo`, with demo_mail.py;   corpus.py  `corpus`, with samples.py

It stands beside the storeys of the house: nothing of the appliance imports it, and it talks to the
appliance only by commands, sockets and HTTP, so that it starts without Django.
"""
