"""A bare Starlette application that answers what it was sent: the most that this server and machine can do.

``python -m bench.echo`` writes ``{"port": ...}`` and serves until it is stopped or its standard input ends.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def echo(request: Request) -> Response:
    """Parses nothing, keeps nothing."""
    return Response(await request.body(), media_type="application/json")


def main() -> None:
    """Serve on a port of the system's choice."""
    bound = socket.create_server(("127.0.0.1", 0), backlog=2048)
    app = Starlette(routes=[Route("/v1/leads", echo, methods=["POST"])])
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", lifespan="off", access_log=False, log_config=None, server_header=False
    )
    print(json.dumps({"port": bound.getsockname()[1]}), flush=True)
    threading.Thread(target=_end_with_input, daemon=True).start()
    uvicorn.Server(config).run([bound])


def _end_with_input() -> None:
    """Should whoever started us be killed outright, end too."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
