"""Traffic routers: what gives a canary its share. A router is one file, and one line here."""

from shipway.strategies.routers.http_route import weights_of_http_route
from shipway.strategies.routers.router import BindRouter

# Each under its key in `canary.router`, whose value names the router's object in the folder.
ROUTERS: dict[str, BindRouter] = {
    "http_route": weights_of_http_route,
}
