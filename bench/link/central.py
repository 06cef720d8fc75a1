"""Central for a measurement: `python -m bench.link.central FOLDER PORT …` prints an enrolment code and serves until SIGTERM."""

import contextlib
import socket
import sys
from pathlib import Path

import uvicorn

from central.app import create_app
from central.demo import make_demo
from central.parser import KEEP_ALIVE_S
from central.settings import Settings


def main() -> None:
    folder = Path(sys.argv[1])
    app = create_app(Settings.in_folder(folder, b"k" * 32, is_demo=True))
    facts = make_demo(app, folder)
    doors = []
    for port in sys.argv[2:]:
        door = socket.create_server(("127.0.0.1", int(port)), backlog=128)
        with contextlib.suppress(OSError, AttributeError):
            door.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")  # for all connections it takes
        doors.append(door)
    print(facts["enrolment_codes"][1], flush=True)  # type: ignore[index]
    config = uvicorn.Config(
        app, log_level="warning", server_header=False, timeout_keep_alive=KEEP_ALIVE_S, timeout_graceful_shutdown=1
    )
    uvicorn.Server(config).run(sockets=doors)


if __name__ == "__main__":
    main()
