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
      edge_fill: true             # its file system may be filled to the brim for a test

labgrid's own SSH driver switches the check of host keys off; this one does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic, sleep
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
_BOOT_SECONDS, _ANSWER_SECONDS = 180, 30


class Board:
    """One board.

    Attributes:
        name: of the target.
        transport: the way to it.
        folder: where deployments go.
        options: of deployments.
        power: labgrid's driver of its power; None: the environment has none.
        fill: whether its file system may be filled for a test.
    """

    def __init__(
        self,
        name: str,
        transport: OpenSsh,
        folder: str,
        options: DeployOptions,
        power: Any,
        *,
        fill: bool = False,
    ) -> None:
        self.name = name
        self.transport = transport
        self.folder = folder
        self.options = options
        self.power = power
        self.fill = fill

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

    def profile(self, bundle: Bundle, options: ProfileOptions) -> ProfileResult:
        """Measure on the board."""
        return profile_on(bundle, self.transport, self.folder, options, self.options)

    def reachable(self) -> bool:
        """Whether it answers now."""
        try:
            self.transport.run("true", timeout=_ANSWER_SECONDS)
        except RemoteError:
            return False
        return True

    def switch_on(self) -> None:
        """Switch the power on, where something here can, and wait until the board answers.

        Raises:
            RemoteError: it does not within three minutes.
        """
        if self.power is not None:
            self.power.on()
        deadline = monotonic() + _BOOT_SECONDS
        while not self.reachable():
            # The connection that all calls share may be the one that died.
            self.transport.close()
            self.transport = OpenSsh(self.transport.address, self.transport.program)
            if monotonic() > deadline:
                self.transport.run("true", timeout=_ANSWER_SECONDS)
            sleep(1)


@contextmanager
def open_board(
    env: Any, name: str, install: str | None, extras: Sequence[str] = ()
) -> Iterator[Board]:
    """The board that the environment's target ``name`` describes; its power is on.

    Args:
        env: labgrid's.
        name: of the target.
        install: what to install the runtime from, as :class:`~edge_sdk.remote.DeployOptions`.
        extras: to install beside those that a bundle needs.

    Raises:
        UsageError: the target has no NetworkService.
        RemoteError: it does not answer.
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
        try:
            return str(env.config.get_target_option(name, f"edge_{key}"))
        except KeyError:
            return None

    port = service.port if service.port != _SSH_PORT else None
    address = Address(host=service.address, user=service.username or None, port=port)
    options = DeployOptions(install=install, extras=tuple(extras), edge_sdk=option("program"))
    board = Board(
        name,
        OpenSsh(address, option("ssh")),
        option("folder") or FOLDER,
        options,
        power,
        fill=option("fill") == "True",
    )
    try:
        if power is not None and not board.reachable():
            board.switch_on()
        yield board
    finally:
        board.transport.close()
