"""Sample sets: what is read, and what is refused with its line."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_sdk.errors import DataError, StorageError
from edge_sdk.samples import Sample, SampleSet, spread_evenly, write_index


def made(root: Path, *lines: str | bytes) -> Path:
    raw = [line.encode() if isinstance(line, str) else line for line in lines]
    root.mkdir(exist_ok=True)
    (root / "samples.jsonl").write_bytes(b"\n".join(raw))
    return root


def refusal(root: Path) -> str:
    with pytest.raises(DataError) as caught:
        SampleSet.open(root)
    assert caught.value.exit_code == 8
    return str(caught.value)


def test_what_is_written_is_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.wav").write_bytes(b"sound")
    samples = [
        Sample(id="2", audio="a/1.wav", text="hello\n", labels={"intent": "x"}, meta={"voice": 3}),
        Sample(id="1", text=""),
        Sample(id="3"),
    ]
    write_index(tmp_path, samples)
    read = SampleSet.open(tmp_path)
    assert list(read) == samples
    assert len(read) == 3
    assert read[1].modalities == ("text",)
    assert read[0].modalities == ("audio", "text")
    assert read[2].modalities == ()
    assert read.path("a/1.wav").read_bytes() == b"sound"
    assert list(read.subset(read[1:])) == samples[1:]


def test_blank_lines_and_further_fields_do_no_harm(tmp_path: Path) -> None:
    root = made(tmp_path / "set", '{"id": "1", "note": "mine"}', "", "   ", '{"id": "2"}', "")
    assert [sample.id for sample in SampleSet.open(str(root))] == ["1", "2"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "is not a sample"),
        ("[]", "is not a sample"),
        ("7", "is not a sample"),
        ("{}", "missing required field `id`"),
        ('{"id": 1}', "Expected `str`"),
        ('{"id": "b", "labels": {"intent": 3}}', "Expected `str`"),
        ('{"id": "b", "audio": ["a.wav"]}', "is not a sample"),
        (b'{"id": "\xff"}', "is not a sample"),
        ('{"id": "a"}', "repeats the id 'a'"),
        ('{"id": "b", "audio": "none.wav"}', "'none.wav' named in line 2"),
        ('{"id": "b", "image": "none.png"}', "'none.png' named in line 2"),
        ('{"id": "b", "image": ""}', "does not exist"),
        ('{"id": "b", "image": "folder"}', "does not exist"),
        ('{"id": "b", "image": "' + "x" * 300 + '"}', "does not exist"),
        ('{"id": "b", "image": "a\\u0000b"}', "does not exist"),
        ('{"id": "b", "image": "../outside.png"}', "leaves the sample set's folder"),
        ('{"id": "b", "image": "folder/../../outside.png"}', "leaves the sample set's folder"),
        ('{"id": "b", "audio": "linked.wav"}', "leaves the sample set's folder"),
    ],
)
def test_a_line_that_cannot_be_used(tmp_path: Path, line: str | bytes, why: str) -> None:
    (tmp_path / "outside.png").touch()
    root = made(tmp_path / "set", '{"id": "a"}', line)
    (root / "folder").mkdir()
    (root / "linked.wav").symlink_to(tmp_path / "outside.png")
    sentence = refusal(root)
    assert why in sentence
    assert "ine 2 of" in sentence


def test_an_absolute_path_leaves_the_folder(tmp_path: Path) -> None:
    (tmp_path / "outside.wav").touch()
    root = made(tmp_path / "set", f'{{"id": "a", "audio": "{tmp_path}/outside.wav"}}')
    assert "leaves the sample set's folder" in refusal(root)


def test_no_set_or_an_empty_one(tmp_path: Path) -> None:
    assert "There is no sample set" in refusal(tmp_path)
    assert "There is no sample set" in refusal(tmp_path / "none")
    assert "There is no sample set" in refusal(tmp_path / ("x" * 300))
    assert "is empty" in refusal(made(tmp_path / "set", "", " "))


def test_the_digest_covers_samples_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "1.wav").write_bytes(b"sound")

    def digest(**changes: object) -> str:
        write_index(tmp_path, [Sample(**{"id": "1", "audio": "1.wav", "text": "a", **changes})])
        return SampleSet.open(tmp_path).digest()

    first = digest()
    assert digest() == first
    assert digest(text="b") != first
    assert digest(labels={"intent": "x"}) != first
    (tmp_path / "1.wav").write_bytes(b"Sound")
    assert digest() != first


def test_a_copy_holds_the_files_of_its_samples_alone(tmp_path: Path) -> None:
    root = tmp_path / "all"
    (root / "video" / "1").mkdir(parents=True)
    (root / "video" / "1" / "0.png").write_bytes(b"still")
    for name in ("a.wav", "b.wav"):
        (root / name).write_bytes(name.encode())
    write_index(
        root,
        [Sample(id="1", audio="a.wav", video="video/1"), Sample(id="2", audio="b.wav")],
    )
    whole = SampleSet.open(root)
    some = whole.subset(whole[:1]).copy(tmp_path / "some")
    assert list(SampleSet.open(some.root)) == list(whole[:1])
    assert some.digest() == whole.subset(whole[:1]).digest()
    files = {str(p.relative_to(some.root)) for p in some.root.rglob("*") if p.is_file()}
    assert files == {"video/1/0.png", "a.wav", "samples.jsonl"}
    with pytest.raises(StorageError):
        whole.copy(tmp_path / "some")


@given(st.integers(1, 40), st.integers(1, 50))
def test_a_few_are_spread_evenly(count: int, limit: int) -> None:
    samples = [Sample(id=str(number)) for number in range(count)]
    places = [int(sample.id) for sample in spread_evenly(samples, limit)]
    assert len(places) == min(count, limit)
    assert places[0] == 0
    steps = {b - a for a, b in pairwise(places)}
    assert not steps or (min(steps) >= 1 and max(steps) - min(steps) <= 1)
    assert spread_evenly(samples, None) == samples
