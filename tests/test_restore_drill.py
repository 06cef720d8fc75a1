"""Central burns after a day of work: the documented drill puts it back from last night's backup, and the phones the rest."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tools.restore_drill import Drill, Found, NotWhole, Said, compare, play


@pytest.mark.long
def test_central_is_made_whole_from_last_nights_backup_and_the_phones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drill = Drill(tmp_path / "drill")
    drill.folder.mkdir()
    asyncio.run(play(drill, Said()))
    told = capsys.readouterr().out
    assert "kiemtra verify: Nguyên vẹn" in told and "after the phones had synced" in told
    # The drill can fail: one entry or one photo less than before is told.
    before = drill.found()
    with closing(sqlite3.connect(drill.data / "central.sqlite")) as database, database:
        database.execute(
            "DELETE FROM entry WHERE kind = 'photo' AND position = (SELECT max(position) FROM entry WHERE kind = 'photo')"
        )
    poorer = drill.found()
    nothing: Found = (set(), {}, "")
    with pytest.raises(NotWhole, match="1 entries are gone"):
        compare(before, nothing, poorer)
    shutil.rmtree(drill.data / "photos")
    with pytest.raises(NotWhole, match="photos are gone"):
        compare(poorer, nothing, drill.found())
