"""The private Redis, Celery's broker: on a unix socket, keeping nothing over a restart.

What it carries are wake-up calls; all durable work stands in Postgres.
"""

from collections.abc import Mapping
from pathlib import Path

import redis

from appliance.stack import process
from appliance.stack.environment import Environment

NAME = "redis"


def start(environment: Environment, environ: Mapping[str, str]) -> process.Child:
    """Start the broker, without a configuration file."""
    socket = _socket(environment)
    socket.unlink(missing_ok=True)
    return process.start(
        NAME,
        [
            "redis-server", "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700",
            "--daemonize", "no", "--save", "", "--appendonly", "no",
            "--dir", str(environment.sockets),
        ],
        var=environment.var,
        environ=environ,
    )  # fmt: skip


def ready(environment: Environment) -> bool:
    """Tell whether it answers PING."""
    client = redis.Redis(unix_socket_path=str(_socket(environment)))
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def _socket(environment: Environment) -> Path:
    return environment.sockets / "redis.sock"
