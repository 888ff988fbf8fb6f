"""Where a device is: ``ssh://[user@]host[:port]/[folder]``."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

import msgspec

from ..errors import UsageError

#: Below the home folder there, where an address names none.
FOLDER = "edge-sdk"
_FORM = "ssh://[user@]host[:port]/[folder]"


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A device and a folder on it.

    Attributes:
        host: a name, an address, or a ``Host`` of the user's ssh configuration.
        user: None: as ssh's configuration says.
        port: None: as ssh's configuration says.
        folder: absolute, or relative to the home folder there.
    """

    host: str
    user: str | None = None
    port: int | None = None
    folder: str = FOLDER

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port else ""
        folder = self.folder if self.folder.startswith("/") else f"/~/{self.folder}"
        return f"ssh://{user}{host}{port}{'' if self.folder == FOLDER else folder}"


def parse_address(text: str) -> Address:
    """Read an address; a folder is absolute (``/srv/edge``) or, after ``/~/``, below home.

    Raises:
        UsageError: it is not of this form.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{text!r} is not an address of the form {_FORM}: {error}.") from error
    if parts.scheme != "ssh" or not parts.hostname or parts.query or parts.fragment:
        raise UsageError(f"{text!r} is not an address of the form {_FORM}.")
    if parts.password:
        raise UsageError("An address holds no password: ssh takes keys, or an agent's.")
    # As it was written: the name may be one of ssh's configuration, which knows large and small.
    shown = parts.netloc.rpartition("@")[2]
    host = parts.hostname if shown.startswith("[") else shown.partition(":")[0]
    user = unquote(parts.username) if parts.username else None
    for word in (host, user or "x"):
        if word.startswith("-") or not re.fullmatch(r"[\w.:%+-]+", word):
            raise UsageError(f"{text!r} is not an address: {word!r} is no name of a host or user.")
    path = unquote(parts.path)
    folder = path.removeprefix("/~/") if path.startswith("/~/") else path
    folder = folder.rstrip("/") or ("/" if len(folder) > 1 else FOLDER)
    if folder == "/" or "\0" in folder or "\n" in folder or ".." in folder.split("/"):
        raise UsageError(f"{text!r} names no folder that a bundle can be put into.")
    return Address(host=host, user=user, port=port, folder=folder)
