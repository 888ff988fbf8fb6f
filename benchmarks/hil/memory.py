"""Too little memory for a process on a board, by the kernel's own limit where it may be set."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from edge_sdk.remote import Transport

# The control group that the user is in. One beside it is the user's to make on a board that hands
# a part of the tree over to its users (cgroup v2, "delegation").
_OWN = "/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)"
_LIMIT = f"cat {_OWN}/memory.max"


@contextmanager
def limited_memory(transport: Transport, size: int) -> Iterator[tuple[str, str]]:
    """Give what limits a command on the board, and the words that go before it there.

    - ``systemd``: a scope of the user's service manager with ``MemoryMax``
    - ``cgroup``: a control group (v2) beside the user's own
    - ``address space``: ``ulimit -v``, where the board lets its user set neither; the process is
      refused memory and nothing kills it

    Args:
        transport: the way to the board.
        size: bytes of resident memory; an address space is larger and gets four times as many.

    Raises:
        RemoteError: the board was lost.
    """
    run = transport.run
    scope = f"systemd-run --user --scope --quiet -p MemoryMax={size} -p MemorySwapMax=0"
    # Without the controller handed over, systemd takes the limit and nothing holds it.
    if run(f"{scope} sh -c {shlex.quote(_LIMIT)}").out.decode().strip() == str(size):
        yield "systemd", scope
        return
    made = run(
        f"own={_OWN}; group=${{own%/*}}/edge-sdk-$$; [ -e /sys/fs/cgroup/cgroup.procs ] && "
        f"mkdir $group && {{ echo {size} > $group/memory.max && "
        "{ [ ! -e $group/memory.swap.max ] || echo 0 > $group/memory.swap.max; } && echo $group "
        "|| { rmdir $group; false; }; }"
    )
    if made.code == 0:
        group = made.out.decode().strip()
        entered = shlex.quote(f'echo $$ > {group}/cgroup.procs && exec "$@"')
        try:
            yield "cgroup", f"sh -c {entered} sh"
        finally:
            run(f"rmdir {group}")
        return
    refused = shlex.quote(f'ulimit -v {4 * size // 1024}; exec "$@"')
    yield "address space", f"sh -c {refused} sh"
