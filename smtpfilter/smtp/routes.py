"""The next hops that policies name: one relay for each forward_method (E-10)."""

from smtpfilter.ports import BadRoute, Relay


class RouteTable:
    """ports.Routes.  `site` is the site's own next hop."""

    def __init__(self, site: Relay) -> None:
        self._site = site

    def relay(self, forward_method: str) -> Relay:
        if forward_method:
            raise BadRoute("only the site's own next hop is known")
        return self._site

    def close(self) -> None:
        self._site.close()
