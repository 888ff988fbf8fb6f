"""A sample set, brought to a device."""

from __future__ import annotations

import io
import tarfile

from ..samples import INDEX, SampleSet
from .failures import check
from .folder import DeviceFolder, q

_SETS = "samples"


def send_folder(samples: SampleSet, place: DeviceFolder) -> str:
    """Have the sample set on the device; one that is there already is not sent again.

    Returns its folder there.

    Raises:
        StorageError: the device's disk is full, or the folder may not be written.
        RemoteError: the device was lost in the middle.
    """
    folder = f"{place.path}/{_SETS}/{samples.digest()[:16]}"
    run = place.transport.run
    if run(f"[ -f {q(folder)}/{INDEX} ]").code == 0:
        return folder
    files = [name for sample in samples for name in sample.paths]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in dict.fromkeys([*files, INDEX]):
            archive.add(samples.path(name), name)
    # The folder has its name once everything is in it.
    done = run(
        f"rm -rf {q(folder)}.part && mkdir -p {q(folder)}.part && "
        f"tar -xf - -C {q(folder)}.part && rm -rf {q(folder)} && mv {q(folder)}.part {q(folder)}",
        stdin=packed.getvalue(),
    )
    check(done, place.device, "store the samples")
    return folder
