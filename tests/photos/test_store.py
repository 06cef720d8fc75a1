"""Photos kept as files on the phone: whole or not at all."""

import errno
import hashlib
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from app.photos.store import DiskFull, PhotoFiles, WrongHash

PHOTO = b"\xff\xd8\xff" + bytes(range(256)) * 700
NAME = hashlib.sha256(PHOTO).hexdigest()


def test_a_kept_photo_is_found_again_by_its_name(tmp_path: Path) -> None:
    photos = PhotoFiles(tmp_path / "photos")
    assert not photos.has(NAME)
    photos.keep(NAME, PHOTO)
    photos.keep(NAME, PHOTO)
    again = PhotoFiles(tmp_path / "photos")
    assert again.has(NAME) and again.read(NAME) == PHOTO and again.size_of(NAME) == len(PHOTO) == again.used_bytes()
    assert again.names() == {NAME}


def test_bytes_under_a_wrong_name_are_not_kept(tmp_path: Path) -> None:
    photos = PhotoFiles(tmp_path)
    with pytest.raises(WrongHash):
        photos.keep(NAME, PHOTO + b"!")
    with pytest.raises(ValueError):
        photos.read("../../etc/passwd")
    with pytest.raises(FileNotFoundError):
        photos.read(NAME)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_photo_is_noticed_and_mended_by_keeping_it_again(tmp_path: Path) -> None:
    photos = PhotoFiles(tmp_path)
    photos.keep(NAME, PHOTO)
    (tmp_path / NAME).write_bytes(PHOTO[:-1] + b"?")
    assert photos.has(NAME) and not photos.is_intact(NAME)
    photos.keep(NAME, PHOTO)
    assert photos.is_intact(NAME)


def test_at_start_strays_are_reported_and_only_unfinished_writes_deleted(tmp_path: Path) -> None:
    photos = PhotoFiles(tmp_path)
    photos.keep(NAME, PHOTO)
    (tmp_path / f"{'a' * 64}.0badcafe.unfinished").write_bytes(PHOTO[:100])
    lost = "b" * 64
    assert photos.sweep({lost}) == ({NAME}, {lost})
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_killed_while_keeping_leaves_whole_photos_only(tmp_path: Path) -> None:
    writer = """
        import hashlib, os, sys
        from pathlib import Path
        from app.photos.store import PhotoFiles
        photos = PhotoFiles(Path(sys.argv[1]))
        while True:
            data = os.urandom(300_000)
            photos.keep(hashlib.sha256(data).hexdigest(), data)
            print(hashlib.sha256(data).hexdigest(), flush=True)
    """
    for kept_before_the_kill in (1, 2, 3, 5, 8):
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(writer), str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout
        told = [process.stdout.readline().strip() for _ in range(kept_before_the_kill)]
        process.send_signal(signal.SIGKILL)
        process.wait()
        photos = PhotoFiles(tmp_path)
        assert photos.sweep(set(told))[1] == set(), "what was said to be kept is there"
        assert all(photos.is_intact(name) for name in photos.names())
        assert photos.names() == {path.name for path in tmp_path.iterdir()}


def test_on_a_full_phone_nothing_half_written_stays(tmp_path: Path) -> None:
    """A real file system of 1 MB, mounted for one process only."""
    story = """
        import hashlib, os, sys
        from pathlib import Path
        from app.photos.store import DiskFull, PhotoFiles
        photos = PhotoFiles(Path(sys.argv[1]) / "photos")
        kept = set()
        try:
            while True:
                data = os.urandom(300_000)
                photos.keep(hashlib.sha256(data).hexdigest(), data)
                kept.add(hashlib.sha256(data).hexdigest())
        except DiskFull as full:
            assert "hết chỗ" in full.message_vi
        assert len(kept) == 3 and {path.name for path in photos.folder.iterdir()} == kept
        assert all(photos.is_intact(name) for name in kept)
    """
    small_disk = f'mount -t tmpfs -o size=1m small "{tmp_path}" && exec "{sys.executable}" -c "$0" "{tmp_path}"'
    try:
        subprocess.run(["unshare", "-rm", "true"], check=True, capture_output=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("no private mounts here (unshare -rm)")
    subprocess.run(["unshare", "-rm", "sh", "-c", small_disk, textwrap.dedent(story)], check=True)


def test_a_disk_that_turns_out_full_at_the_flush_is_said_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull):
        PhotoFiles(tmp_path).keep(NAME, PHOTO)
    assert list(tmp_path.iterdir()) == []
