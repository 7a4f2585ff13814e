"""Files and folders appear whole, or not at all."""

import stat

import pytest

from imgcomp._files import folder_atomically, write_bytes_atomically, written_atomically


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_is_there_when_it_is_whole(tmp_path):
    path = tmp_path / "deeper" / "a.bin"
    with written_atomically(path) as file:
        file.write(b"one")
        assert not path.exists()
        file.write(b"two")
    assert path.read_bytes() == b"onetwo"
    assert names(path.parent) == ["a.bin"]
    assert stat.S_IMODE(path.stat().st_mode) & 0o600 == 0o600


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "a.bin"
    write_bytes_atomically(path, b"old")

    def interrupted():
        with written_atomically(path) as file:
            file.write(b"new")
            raise error

    with pytest.raises(error):
        interrupted()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_a_folder_is_there_when_it_is_whole(tmp_path):
    target = tmp_path / "out"
    with folder_atomically(target) as work:
        (work / "sub").mkdir()
        (work / "sub" / "a").write_text("a")
        assert not target.exists()
    assert (target / "sub" / "a").read_text() == "a"
    assert names(tmp_path) == ["out"]


def test_a_folder_that_is_there_is_written_into(tmp_path):
    target = tmp_path / "out"
    (target / "sub").mkdir(parents=True)
    (target / "sub" / "a").write_text("old")
    (target / "mine").write_text("kept")
    with folder_atomically(target) as work:
        (work / "sub").mkdir()
        (work / "sub" / "a").write_text("new")
        (work / "sub" / "b").write_text("b")
    assert (target / "sub" / "a").read_text() == "new"
    assert (target / "sub" / "b").read_text() == "b"
    assert (target / "mine").read_text() == "kept"
    assert names(tmp_path) == ["out"]


def test_an_error_leaves_no_folder(tmp_path):
    def interrupted():
        with folder_atomically(tmp_path / "out") as work:
            (work / "a").write_text("a")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert names(tmp_path) == []
