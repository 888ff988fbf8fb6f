"""A network camera on this machine: MJPEG over HTTP, which can be told to misbehave."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import numpy as np
from PIL import Image

Mood = Literal["well", "same", "silent", "garbage", "drop", "refuse"]
#: Pictures are so large; the left half tells the number of the frame, see :func:`number_in`.
SIZE = (96, 128)


def picture(number: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A red right half, and the lowest eight bits of ``number`` as black and white bars."""
    image = np.zeros((*SIZE, 3), np.uint8)
    image[:, 64:, 0] = 200
    for bit in range(8):
        if number >> bit & 1:
            image[bit * 12 : bit * 12 + 12, :64] = 255
    return image


def number_in(image: np.ndarray[Any, Any]) -> int:
    """The lowest eight bits of the number of a frame that :func:`picture` made."""
    bars = image[6::12, 16:48].mean(axis=(1, 2)) > 127
    return sum(1 << bit for bit in range(8) if bars[bit])


class NetworkCamera:
    """Serves frames at ``fps``; ``mood`` says how."""

    def __init__(self, fps: float = 30.0) -> None:
        self.fps = fps
        self.mood: Mood = "well"
        self.sent = 0
        self._ending = threading.Event()
        self._connections: set[socket.socket] = set()
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera._connections.add(self.connection)
                try:
                    camera._serve(self)
                except OSError:
                    pass
                finally:
                    camera._connections.discard(self.connection)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/stream.mjpg"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        self._server.shutdown()
        for connection in tuple(self._connections):
            with_shutdown(connection)
        self._thread.join()
        self._server.server_close()

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        if self.mood == "refuse":
            request.send_error(503)
            return
        request.send_response(200)
        request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        request.end_headers()
        while not self._ending.wait(1 / self.fps):
            mood = self.mood
            if mood in ("drop", "refuse"):
                return
            if mood == "silent":
                continue
            data = np.random.default_rng(self.sent).bytes(900)
            if mood != "garbage":
                buffer = io.BytesIO()
                shown = 1 if mood == "same" else self.sent
                Image.fromarray(picture(shown)).save(buffer, "JPEG", quality=90)
                data = buffer.getvalue()
            request.wfile.write(
                b"--frame\r\nContent-Type: image/jpeg\r\n"
                b"Content-Length: %d\r\n\r\n%b\r\n" % (len(data), data)
            )
            request.wfile.flush()
            self.sent += 1


def with_shutdown(connection: socket.socket) -> None:
    """End a connection whose other side may be gone already."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


@contextmanager
def network_camera(fps: float = 30.0) -> Iterator[NetworkCamera]:
    camera = NetworkCamera(fps)
    try:
        yield camera
    finally:
        camera.stop()
