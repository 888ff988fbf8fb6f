"""Deploying to a real SSH server."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge_sdk.bundle import Bundle
from edge_sdk.errors import BundleError, DependencyError, RemoteError, StorageError, UsageError
from edge_sdk.remote import DeployOptions, OpenSsh, Program, deploy, parse_address, roll_back
from edge_sdk.remote.folder import DeviceFolder
from edge_sdk.remote.transport import Completed, Sent

from ..bundles import with_golden
from .conftest import Server, write_config, write_known_hosts

Versions = tuple[Bundle, ...]


def current(folder: Path) -> str:
    """The name of the model that a program on the device would open."""
    return Bundle.open(folder / "current" / "bundle.edge").manifest.name


def test_versions_follow_each_other_and_return(
    board: OpenSsh, versions: Versions, options: DeployOptions, tmp_path: Path
) -> None:
    folder = str(tmp_path / "de ploy")
    first = deploy(versions[0], board, folder, options)
    assert first.sent == versions[0].path.stat().st_size
    assert first.previous is None
    assert sum(first.checks.values()) > 0
    assert first.path == f"{folder}/current/bundle.edge"
    assert Path(first.path).read_bytes() == versions[0].path.read_bytes()

    again = deploy(versions[0], board, folder, options)
    assert (again.sent, again.previous) == (0, None)

    second = deploy(versions[1], board, folder, options)
    assert second.previous == versions[0].manifest.digest
    assert current(tmp_path / "de ploy") == "second"

    back = roll_back(board, folder, options)
    assert back.release.name == current(tmp_path / "de ploy") == "first"
    assert back.previous == versions[1].manifest.digest
    state = DeviceFolder(board, folder).state()
    assert (state.current, state.previous) == tuple(v.manifest.digest for v in versions[:2])


def test_older_versions_go(
    board: OpenSsh, versions: Versions, options: DeployOptions, tmp_path: Path
) -> None:
    for bundle in versions:
        done = deploy(
            bundle, board, str(tmp_path), DeployOptions(edge_sdk=options.edge_sdk, keep=2)
        )
    assert done.removed == (versions[0].manifest.digest,)
    names = {release.name for release in DeviceFolder(board, str(tmp_path)).state().releases}
    assert names == {"second", "third"}


def test_a_folder_is_packed(
    board: OpenSsh,
    tiny_bundle: Path,
    tiny_bundle_folder: Path,
    options: DeployOptions,
    tmp_path: Path,
) -> None:
    done = deploy(Bundle.open(tiny_bundle_folder), board, str(tmp_path), options)
    assert Path(done.path).read_bytes() == tiny_bundle.read_bytes()


def test_a_bundle_that_fails_there_never_becomes_current(
    board: OpenSsh, versions: Versions, options: DeployOptions, tmp_path: Path
) -> None:
    deploy(versions[0], board, str(tmp_path), options)
    engine = versions[0].manifest.preferred
    assert engine in versions[0].manifest.editions
    wrong = with_golden(
        versions[1].path, tmp_path / "wrong.edge", "embedding.audio", lambda value: value + 1
    )
    with pytest.raises(
        BundleError, match=r"golden outputs on board: .* embedding\.audio of sample"
    ):
        deploy(Bundle.open(wrong), board, str(tmp_path), options)
    assert current(tmp_path) == "first"
    assert len(DeviceFolder(board, str(tmp_path)).state().releases) == 1


def test_a_version_whose_service_does_not_start_goes_back(
    board: OpenSsh, versions: Versions, options: DeployOptions, tmp_path: Path
) -> None:
    deploy(versions[0], board, str(tmp_path), options)
    said = DeployOptions(edge_sdk=options.edge_sdk, then="echo no such service >&2; false")
    with pytest.raises(RemoteError, match=r"no such service.* The version before is current again"):
        deploy(versions[1], board, str(tmp_path), said)
    assert current(tmp_path) == "first"


class PulledPlug(OpenSsh):
    """A device whose power fails at one moment: before, or in the middle of, a script."""

    def __init__(self, way: OpenSsh, server: Server, moment: str) -> None:
        super().__init__(way.address, server.command)
        self.moment = moment

    def run(self, script: str, *, stdin: bytes = b"", timeout: float | None = None) -> Completed:
        if self.moment in script:
            # All that comes before the moment was done.
            begun = script.partition(self.moment)[0].rstrip().removesuffix("&&")
            super().run(begun.replace("{ ", "( ") + (")" if "{ " in begun else ""), stdin=stdin)
            raise RemoteError("The power went.")
        return super().run(script, stdin=stdin, timeout=timeout)

    def append(
        self, local: Path, remote: str, *, offset: int = 0, sent: Sent = lambda done: None
    ) -> Completed:
        if self.moment != "append":
            return super().append(local, remote, offset=offset, sent=sent)
        half = Path(self._sockets.name) / "half"
        half.write_bytes(local.read_bytes()[: local.stat().st_size // 2])
        super().append(half, remote, offset=offset)
        raise RemoteError("The power went.")


@pytest.mark.parametrize(("moment", "after"), [
    ("append", "first"),
    ("sha256sum", "first"),
    ("mkdir -p releases/", "first"),
    ("mv releases/", "first"),
    (" verify ", "first"),
    ("ln -s releases/", "first"),
    ("mv -T .current.new", "first"),
    ("rm -f .previous.new", "second"),
    ("ls -t releases", "second"),
])  # fmt: skip
def test_power_fails_in_the_middle(
    board: OpenSsh,
    server: Server,
    versions: Versions,
    options: DeployOptions,
    tmp_path: Path,
    moment: str,
    after: str,
) -> None:
    deploy_quietly(versions[0], board, tmp_path, options)
    pulled = PulledPlug(board, server, moment)
    if moment == "ls -t releases":  # after the switch, not when the state is first asked for
        pulled.moment = "find .incoming"
    with pulled, pytest.raises(RemoteError, match="The power went"):
        deploy(versions[1], pulled, str(tmp_path), options)
    assert current(tmp_path) == after
    # The same call again ends it.
    done = deploy(versions[1], board, str(tmp_path), options)
    assert current(tmp_path) == "second"
    whole = versions[1].path.stat().st_size
    if moment == "append":
        assert done.sent == whole - whole // 2
    if after == "first":
        assert done.previous == versions[0].manifest.digest


def deploy_quietly(bundle: Bundle, board: OpenSsh, folder: Path, options: DeployOptions) -> None:
    """What :func:`deploy` leaves, without the time that verifying takes."""
    release = folder / "releases" / bundle.manifest.digest
    place = DeviceFolder(board, str(folder))
    if not release.exists():
        from edge_sdk.remote.folder import release_of

        manifest = bundle.manifest
        part, _ = place.receive(bundle.path)
        place.admit(
            part, release_of(manifest.digest, manifest.name, manifest.target.name, bundle.path)
        )
        place.activate(manifest.digest, None)


def test_what_arrived_wrongly_is_sent_again(
    board: OpenSsh, versions: Versions, options: DeployOptions, tmp_path: Path
) -> None:
    place = DeviceFolder(board, str(tmp_path))
    part, sent = place.receive(versions[0].path)
    assert sent == versions[0].path.stat().st_size
    Path(part).write_bytes(b"\0" * 100)  # a beginning that is not this file's
    part, sent = place.receive(versions[0].path)
    assert sent > versions[0].path.stat().st_size - 100
    assert Path(part).read_bytes() == versions[0].path.read_bytes()


def test_a_damaged_release_is_mended(
    board: OpenSsh, versions: Versions, options: DeployOptions, tmp_path: Path
) -> None:
    done = deploy(versions[0], board, str(tmp_path), options)
    file = Path(done.path)
    file.write_bytes(file.read_bytes()[:-1])
    assert deploy(versions[0], board, str(tmp_path), options).sent > 0
    assert current(tmp_path) == "first"


def test_a_full_disk_is_a_sentence(
    board: OpenSsh, versions: Versions, options: DeployOptions, tmp_path: Path
) -> None:
    deploy_quietly(versions[0], board, tmp_path, options)
    sha256 = DeviceFolder(board, str(tmp_path)).sha256(str(versions[1].path))
    # Linux's own full disk, where the bytes would arrive.
    (tmp_path / ".incoming" / f"{sha256}.part").symlink_to("/dev/full")
    with pytest.raises(StorageError, match=r"board cannot store .*no room left on its disk"):
        deploy(versions[1], board, str(tmp_path), options)
    assert current(tmp_path) == "first"


def test_a_place_that_may_not_be_written_is_a_sentence(
    board: OpenSsh, versions: Versions, options: DeployOptions
) -> None:
    with pytest.raises(StorageError, match="Choose another folder"):
        deploy(versions[0], board, "/sys/edge", options)


def test_two_at_once_do_not_mix(
    board: OpenSsh, versions: Versions, options: DeployOptions, tmp_path: Path
) -> None:
    if shutil.which("flock") is None:
        pytest.skip("there is no flock here")
    with (
        DeviceFolder(board, str(tmp_path)).alone(),
        pytest.raises(RemoteError, match="Another deployment"),
    ):
        deploy(versions[0], board, str(tmp_path), options)
    deploy(versions[0], board, str(tmp_path), options)


def test_without_edge_sdk_it_says_how_to_get_it(
    board: OpenSsh, versions: Versions, tmp_path: Path
) -> None:
    with pytest.raises(DependencyError, match="--install"):
        deploy(versions[0], board, str(tmp_path), DeployOptions(edge_sdk="no-such-program"))
    assert not (tmp_path / "current").exists()


def test_there_is_nothing_to_return_to(
    board: OpenSsh, versions: Versions, options: DeployOptions, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="No bundle has been deployed"):
        roll_back(board, str(tmp_path / "nowhere"), options)
    assert not (tmp_path / "nowhere").exists()
    deploy_quietly(versions[0], board, tmp_path, options)
    with pytest.raises(UsageError, match="no previous version"):
        roll_back(board, str(tmp_path), options)


def refusal(server: Server, config: Path) -> str:
    with (
        OpenSsh(parse_address("ssh://board"), f"ssh -F {config}") as way,
        pytest.raises(RemoteError) as raised,
    ):
        way.run("true")
    assert raised.value.exit_code == 14
    return str(raised.value)


def test_a_host_key_that_is_not_known_is_refused(server: Server) -> None:
    config = server.folder / "unknown"
    known = server.folder / "known_hosts"
    text = server.config.read_text()
    config.write_text(text.replace(str(known), str(server.folder / "no_hosts")))
    assert "not among the known ones" in refusal(server, config)


def test_a_host_key_that_changed_is_refused(server: Server) -> None:
    write_known_hosts(server.folder, server.port, "other_host_key", "other_hosts")
    config = server.folder / "changed"
    known = server.folder / "known_hosts"
    config.write_text(
        server.config.read_text().replace(str(known), str(server.folder / "other_hosts"))
    )
    assert "another host key than the known one" in refusal(server, config)


def test_a_key_that_may_not_enter_is_refused(server: Server) -> None:
    config = server.folder / "stranger"
    write_config(config, server.port, "stranger_key")
    assert "ssh-copy-id board" in refusal(server, config)


def test_a_device_that_is_off_is_a_sentence(server: Server) -> None:
    config = server.folder / "off"
    write_config(config, 1, "user_key")
    assert "cannot be reached" in refusal(server, config)


def test_what_the_kernel_ends_there_is_a_sentence(
    board: OpenSsh, options: DeployOptions, tmp_path: Path
) -> None:
    place = DeviceFolder(board, str(tmp_path / "edge"))
    killed = Program(place, "sh -c 'kill -9 $$' sh")
    with pytest.raises(RemoteError, match=r"verify: it was ended there by SIGKILL, as Linux does"):
        killed.verify("bundle.edge")
    crashed = Program(place, "sh -c 'kill -SEGV $$' sh")
    with pytest.raises(RemoteError, match=r"it was ended there by SIGSEGV\.$"):
        crashed.verify("bundle.edge")
