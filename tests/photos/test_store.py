"""Photos kept as files on the phone: whole or not at all."""

import asyncio
import errno
import hashlib
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from app.photos.disk import FolderOnDisk
from app.photos.store import NoRoom, PhotoFiles, WrongHash

PHOTO = b"\xff\xd8\xff" + bytes(range(256)) * 700
NAME = hashlib.sha256(PHOTO).hexdigest()


def files_in(folder: Path) -> PhotoFiles:
    """The photos of a folder, as a start of the app finds them."""
    return PhotoFiles(FolderOnDisk(folder))


def keep(photos: PhotoFiles, data: bytes) -> str:
    name = hashlib.sha256(data).hexdigest()
    asyncio.run(photos.keep(name, data))
    return name


def test_a_kept_photo_is_found_again_by_its_name(tmp_path: Path) -> None:
    photos = files_in(tmp_path / "photos")
    assert not photos.has(NAME)
    assert asyncio.run(photos.keep(NAME, PHOTO)) is True
    assert asyncio.run(photos.keep(NAME, PHOTO)) is False
    again = files_in(tmp_path / "photos")
    assert again.has(NAME) and again.read(NAME) == PHOTO and again.size_of(NAME) == len(PHOTO) == again.used_bytes()
    assert again.names() == {NAME} and again.missing({NAME, "b" * 64}) == {"b" * 64}


def test_bytes_under_a_wrong_name_are_not_kept(tmp_path: Path) -> None:
    photos = files_in(tmp_path)
    with pytest.raises(WrongHash):
        asyncio.run(photos.keep(NAME, PHOTO + b"!"))
    with pytest.raises(ValueError):
        photos.read("../../etc/passwd")
    with pytest.raises(FileNotFoundError):
        photos.read(NAME)
    with pytest.raises(FileNotFoundError):
        photos.size_of(NAME)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_photo_is_noticed_and_mended_by_keeping_it_again(tmp_path: Path) -> None:
    photos = files_in(tmp_path)
    keep(photos, PHOTO)
    (tmp_path / NAME).write_bytes(PHOTO[:-1] + b"?")
    assert photos.has(NAME) and not photos.is_intact(NAME)
    assert asyncio.run(photos.keep(NAME, PHOTO)) is False, "its name was here before"
    assert photos.is_intact(NAME)


def test_a_start_clears_away_what_the_end_before_left_behind_and_nothing_else(tmp_path: Path) -> None:
    before = files_in(tmp_path)
    named, unnamed = keep(before, b"a photo with an entry"), keep(before, b"killed before its entry")
    again = keep(before, b"killed before its entry, chosen again after the start")
    (tmp_path / f"{'a' * 64}.unfinished").write_bytes(PHOTO[:100])
    (tmp_path / f"{NAME}.unfinished").write_bytes(PHOTO[:100])
    (tmp_path / "notes.txt").write_text("not ours")
    photos = files_in(tmp_path)
    keep(photos, b"killed before its entry, chosen again after the start")
    fresh = keep(photos, b"taken since the start, its entry still to come")
    assert asyncio.run(photos.sweep({named})) == {unnamed, f"{'a' * 64}.unfinished", f"{NAME}.unfinished"}
    assert photos.names() == {named, again, fresh}
    assert {path.name for path in tmp_path.iterdir()} == {named, again, fresh, "notes.txt"}
    assert asyncio.run(photos.sweep(set())) == set(), "a start is swept once"


def test_a_photo_chosen_again_while_the_sweep_runs_is_there_in_the_end(tmp_path: Path) -> None:
    for number in range(20):
        keep(files_in(tmp_path), b"left over %d" % number)
    photos = files_in(tmp_path)
    left = sorted(photos.names())

    async def story() -> None:
        sweeping = asyncio.create_task(photos.sweep(set()))
        await asyncio.sleep(0)
        for number in range(20):
            data = b"left over %d" % number
            await photos.keep(hashlib.sha256(data).hexdigest(), data)
        await sweeping

    asyncio.run(story())
    assert sorted(photos.names()) == left


def test_killed_while_keeping_leaves_whole_photos_only(tmp_path: Path) -> None:
    writer = """
        import asyncio, hashlib, os, sys
        from pathlib import Path
        from app.photos.disk import FolderOnDisk
        from app.photos.store import PhotoFiles
        photos = PhotoFiles(FolderOnDisk(Path(sys.argv[1])))
        while True:
            data = os.urandom(300_000)
            asyncio.run(photos.keep(hashlib.sha256(data).hexdigest(), data))
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
        photos = files_in(tmp_path)
        assert photos.missing(told) == set(), "what was said to be kept is there"
        assert all(photos.is_intact(name) for name in photos.names())
        asyncio.run(photos.sweep(told))
        assert {path.name for path in tmp_path.iterdir()} == set(told)


def test_on_a_full_phone_nothing_half_written_stays(tmp_path: Path) -> None:
    """A real file system of 1 MB, mounted for one process only."""
    story = """
        import asyncio, hashlib, os, sys
        from pathlib import Path
        from app.photos.disk import FolderOnDisk
        from app.photos.store import NoRoom, PhotoFiles
        folder = FolderOnDisk(Path(sys.argv[1]) / "photos")
        photos, kept = PhotoFiles(folder), set()
        try:
            while True:
                data = os.urandom(300_000)
                asyncio.run(photos.keep(hashlib.sha256(data).hexdigest(), data))
                kept.add(hashlib.sha256(data).hexdigest())
        except NoRoom as full:
            assert "hết chỗ" in full.vi
        assert len(kept) == 3 and folder.names() == kept
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

    files = files_in(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NoRoom):
        keep(files, PHOTO)
    assert list(tmp_path.iterdir()) == []
