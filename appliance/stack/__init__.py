"""The private stack: everything that `./postern run` and `./postern test` start, and how they end.

    environment.py  what is chosen: addresses, sockets, secrets; kept in var/postern.env
    identity.py     as whom a daemon runs that refuses root
    process.py      a child process that does not outlive the launcher
    private/        Postgres, Redis, spamd, clamd: configured, started, ready
    launcher.py     the order in which all starts and stops;   seed.py  what the first start adds
    testing.py      the same services for the tests
    mailbox.py      the demo mailbox, which plays the next hop;   sending.py  one mail to the filter
    demo.py  corpus.py  bench.py    what `./postern demo`, `corpus` and `bench` tell

It stands beside the storeys of the house: nothing of the appliance imports it, and it talks to the
appliance only by commands, sockets and HTTP, so that it starts without Django.
"""
