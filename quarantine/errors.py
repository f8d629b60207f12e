"""What the verbs on held mail say when they do nothing: sentences for the person who asked.

Refused                (appliance.errors)
+-- ReleaseError
    +-- AlreadyReleased    it was, or is being, released
    +-- Expired            there is no copy any more
    +-- NotAllowed         this person may not, or not in this state
"""

from appliance.errors import Refused


class ReleaseError(Refused):
    pass


class AlreadyReleased(ReleaseError):
    pass


class Expired(ReleaseError):
    pass


class NotAllowed(ReleaseError):
    pass
