"""A board: a target of a labgrid environment, reached with OpenSSH.

::

    targets:
      rpi5:
        resources:
          NetworkService: {address: rpi5.local, username: pi}
        options:                      # all of them may be left out
          edge_folder: /srv/edge      # where deployments go
          edge_program: edge-sdk      # how edge-sdk is called there
          edge_ssh: ssh -F rack.conf  # what to connect with

labgrid's own SSH driver switches the check of host keys off; this one does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from edge_sdk.benchmarks.profile import ProfileOptions, ProfileResult
from edge_sdk.benchmarks.profile.remote import profile_on
from edge_sdk.bundle import Bundle
from edge_sdk.errors import RemoteError, UsageError
from edge_sdk.remote import (
    Address,
    Deployed,
    DeployOptions,
    DeviceFolder,
    OpenSsh,
    Program,
    deploy,
)
from edge_sdk.remote.address import FOLDER

_SSH_PORT = 22
_BOOT_SECONDS = 180


class Board:
    """One board.

    Attributes:
        name: of the target.
        transport: the way to it.
        folder: where deployments go.
        options: of deployments.
        power: labgrid's driver of its power; None: the environment has none.
    """

    def __init__(
        self, name: str, transport: OpenSsh, folder: str, options: DeployOptions, power: Any
    ) -> None:
        self.name = name
        self.transport = transport
        self.folder = folder
        self.options = options
        self.power = power

    @property
    def place(self) -> DeviceFolder:
        """The folder on the board."""
        return DeviceFolder(self.transport, self.folder)

    @property
    def program(self) -> Program:
        """edge-sdk on the board."""
        return Program(self.place, self.options.edge_sdk)

    def deploy(self, bundle: Bundle, *, over: OpenSsh | None = None) -> Deployed:
        """As :func:`edge_sdk.remote.deploy`; ``over`` is another way to the board."""
        return deploy(bundle, over or self.transport, self.folder, self.options)

    def profile(self, bundle: Bundle, options: ProfileOptions | None = None) -> ProfileResult:
        """Measure on the board; by default two short rounds."""
        short = ProfileOptions(rounds=2, calls=30)
        return profile_on(bundle, self.transport, self.folder, options or short, self.options)

    def cut_power(self) -> bool:
        """Cut the power and wait until the board is back; False: nothing here can cut it."""
        if self.power is None:
            return False
        self.power.cycle()
        self.transport.close()
        self.transport = OpenSsh(self.transport.address, self.transport.program)
        done = _BOOT_SECONDS
        while True:
            try:
                self.transport.run("true", timeout=20)
                return True
            except RemoteError:
                done -= 20
                if done <= 0:
                    raise


@contextmanager
def open_board(env: Any, name: str, install: str | None) -> Iterator[Board]:
    """The board that the environment's target ``name`` describes.

    Raises:
        UsageError: the target has no NetworkService.
    """
    from labgrid.exceptions import NoDriverFoundError, NoResourceFoundError

    target = env.get_target(name)
    try:
        service = target.get_resource("NetworkService")
    except NoResourceFoundError as error:
        raise UsageError(
            f"The target {name} has no NetworkService: it says how the board is reached over ssh."
        ) from error
    try:
        power = target.get_driver("PowerProtocol")
    except NoDriverFoundError:
        power = None

    def option(key: str) -> str | None:
        found = env.config.get_target_option(name, f"edge_{key}", None)
        return None if found is None else str(found)

    port = service.port if service.port != _SSH_PORT else None
    address = Address(host=service.address, user=service.username or None, port=port)
    options = DeployOptions(install=install, edge_sdk=option("program"))
    with OpenSsh(address, option("ssh")) as transport:
        yield Board(name, transport, option("folder") or FOLDER, options, power)
