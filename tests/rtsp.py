"""A network camera on this machine that speaks RTSP: GStreamer's own server, in a process.

It runs in the system's Python, which alone has GStreamer's bindings.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

_SERVER = """
import gi, sys
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer

Gst.init(None)
server = GstRtspServer.RTSPServer(address="127.0.0.1", service=sys.argv[1])
factory = GstRtspServer.RTSPMediaFactory(shared=True)
factory.set_launch(sys.argv[2])
server.get_mount_points().add_factory("/camera", factory)
if not server.attach(None):
    sys.exit("the port is taken")
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
"""
#: A ball that moves, 20 pictures a second of 320x240, as JPEG over RTP.
_MEDIA = (
    "( videotestsrc is-live=true pattern=ball "
    "! video/x-raw,format=I420,width=320,height=240,framerate=20/1 "
    "! jpegenc ! rtpjpegpay name=pay0 pt=96 )"
)


class RtspCamera:
    """A server; ``stop`` and ``start`` pull its plug and put it back, at the same address."""

    def __init__(self) -> None:
        self._port = 0
        self.start()

    @property
    def address(self) -> str:
        return f"rtsp://127.0.0.1:{self._port}/camera"

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["/usr/bin/python3", "-c", _SERVER, str(self._port), _MEDIA],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "no RTSP server: scripts/system_packages.sh video"
        self._port = int(line)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def rtsp_camera() -> Iterator[RtspCamera]:
    camera = RtspCamera()
    try:
        yield camera
    finally:
        camera.stop()
