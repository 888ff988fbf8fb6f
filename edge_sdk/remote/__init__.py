"""Bundles on devices that are reached over ssh: put there, proven there, switched in one step."""

from __future__ import annotations

from .address import Address, parse_address
from .deploy import Deployed, DeployOptions, deploy, roll_back, stage
from .folder import DeviceFolder, Release
from .openssh import OpenSsh
from .program import Program
from .samples import send_files, send_folder
from .transport import Completed, Transport

__all__ = [
    "Address",
    "Completed",
    "DeployOptions",
    "Deployed",
    "DeviceFolder",
    "OpenSsh",
    "Program",
    "Release",
    "Transport",
    "deploy",
    "parse_address",
    "roll_back",
    "send_files",
    "send_folder",
    "stage",
]
