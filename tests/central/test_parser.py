"""Central's doorstep: even what is no HTTP gets an answer that a program can read."""

import json
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http import h11_impl

from central.parser import Parser


class Plain(h11_impl.H11Protocol):
    """What `Parser` is where the faster of uvicorn's two parsers is not installed."""

    send_400_response = Parser.send_400_response


@pytest.fixture(params=[Parser, Plain])
def port(central: FastAPI, request: pytest.FixtureRequest) -> Iterator[int]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(central, http=request.param, log_level="error", timeout_graceful_shutdown=1))
    runner = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    runner.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    runner.join()
    listening.close()


@pytest.mark.parametrize(
    "said",
    [b"\x16\x03\x01\x02\x00", b"GET / FTP/1.1\r\n\r\n", b"POST /api/v1/sync HTTP/1.1\r\nContent-Length: x\r\n\r\n"],
)
def test_what_is_no_http_is_refused_like_everything_else(port: int, said: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(said + b"\r\n\r\n")
        answer = b""
        while piece := line.recv(4096):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ") and b"application/problem+json" in head
    assert json.loads(body)["type"].endswith("/malformed")
