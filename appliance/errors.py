"""What a verb of the appliance says when it does not do what it was asked.

Refused         the sentence in it is for the person who asked; nothing was changed
+-- Unknown     a name in the question does not exist; on the command line a mistake in usage
+-- Overtaken   somebody else changed meanwhile what the person was changing
+-- Already     it is as asked; on the command line no error, so that scripts can run twice
"""


class Refused(Exception):
    """The verb changed nothing; str() is one sentence that says why."""


class Unknown(Refused):
    """The question names something that there is not; str() lists what there is."""


class Overtaken(Refused):
    """What the person has seen is not any more what stands there; str() says who changed it."""


class Already(Refused):
    """It is as asked already; str() says so."""
