"""Files and folders of a sandbox."""

import pytest
from conftest import unique
from daytona import (
    DaytonaBadRequestError,
    DaytonaConflictError,
    DaytonaError,
    DaytonaFileAccessDeniedError,
    DaytonaFileNotFoundError,
)


@pytest.fixture
async def folder(shared):
    """A folder for one test, by its whole path."""
    path = f"/home/daytona/{unique('folder')}"
    await shared.fs.create_folder(path, "755")
    yield path
    await shared.fs.delete_file(path, recursive=True)


async def test_home_and_working_folder(shared):
    assert await shared.get_user_home_dir() == "/home/daytona"
    assert await shared.get_user_root_dir() == "/home/daytona"
    assert await shared.get_work_dir() == "/home/daytona"


async def test_folders_are_made_with_their_parents(shared, folder):
    await shared.fs.create_folder(f"{folder}/a/b", "700")
    await shared.fs.create_folder(f"{folder}/a/b", "700")
    info = await shared.fs.get_file_info(f"{folder}/a/b")
    assert info.is_dir and info.name == "b" and info.permissions in ("0700", "700")
    assert info.mode == "drwx------"


async def test_what_is_known_of_a_file(shared, folder):
    await shared.fs.upload_file(b"twelve bytes", f"{folder}/ä file.txt")
    info = await shared.fs.get_file_info(f"{folder}/ä file.txt")
    assert (info.name, info.size, info.is_dir, info.mode) == ("ä file.txt", 12, False, "-rw-r--r--")
    assert info.modified_at and info.owner and info.group
    with pytest.raises(DaytonaFileNotFoundError) as refused:
        await shared.fs.get_file_info(f"{folder}/nothing")
    assert (refused.value.status_code, refused.value.code) == (404, "FILE_NOT_FOUND")


async def test_lists_have_the_depth_asked_for(shared, folder):
    await shared.process.exec("mkdir -p a/b/c; touch 1 a/2 a/b/3 a/b/c/4", cwd=folder)
    assert sorted(entry.name for entry in await shared.fs.list_files(folder)) == ["1", "a"]
    deeper = await shared.fs.list_files(folder, depth=3)
    assert sorted(entry.name for entry in deeper) == ["1", "2", "3", "a", "b", "c"]
    sizes = {entry.name: entry.is_dir for entry in deeper}
    assert sizes["a"] and not sizes["3"]
    with pytest.raises(DaytonaFileNotFoundError):
        await shared.fs.list_files(f"{folder}/nothing")


async def test_text_is_found_in_files(shared, folder):
    await shared.fs.upload_file(b"one\nhello TODO\nTODO again\n", f"{folder}/a.txt")
    await shared.fs.upload_file(b"TODO\x00binary", f"{folder}/b.bin")
    await shared.fs.upload_file(b"nothing here", f"{folder}/sub/c.txt")
    found = await shared.fs.find_files(folder, "TODO")
    assert [(match.file, match.line, match.content) for match in found] == [
        (f"{folder}/a.txt", 2, "hello TODO"),
        (f"{folder}/a.txt", 3, "TODO again"),
    ]
    assert await shared.fs.find_files(folder, "[.*") == []


async def test_names_are_searched(shared, folder):
    await shared.process.exec("mkdir -p x/y; touch a.txt x/b.txt x/y/c.py x/y/d.txt", cwd=folder)
    found = await shared.fs.search_files(folder, "*.txt")
    assert sorted(found.files) == [f"{folder}/a.txt", f"{folder}/x/b.txt", f"{folder}/x/y/d.txt"]
    assert sorted((await shared.fs.search_files(folder, "[ab].txt")).files) == [f"{folder}/a.txt", f"{folder}/x/b.txt"]
    assert not (await shared.fs.search_files(folder, "*.rs")).files


async def test_text_is_replaced(shared, folder):
    await shared.fs.upload_file(b"TODO one TODO", f"{folder}/a.txt")
    await shared.fs.upload_file(b"none", f"{folder}/b.txt")
    done = await shared.fs.replace_in_files([f"{folder}/a.txt", f"{folder}/b.txt", f"{folder}/no"], "TODO", "DONE")
    assert [result.success for result in done] == [True, True, False] and done[2].error
    assert await shared.fs.download_file(f"{folder}/a.txt") == b"DONE one DONE"


async def test_permissions_and_owner(shared, folder):
    await shared.fs.upload_file(b"#!/bin/sh\necho ran", f"{folder}/script")
    await shared.fs.set_file_permissions(f"{folder}/script", mode="755", owner="daytona", group="daytona")
    assert (await shared.process.exec("./script", cwd=folder)).result == "ran\n"
    await shared.fs.set_file_permissions(f"{folder}/script", mode="600")
    assert (await shared.fs.get_file_info(f"{folder}/script")).mode == "-rw-------"
    with pytest.raises(DaytonaError):
        await shared.fs.set_file_permissions(f"{folder}/script", owner="root")


async def test_moves(shared, folder):
    await shared.fs.upload_file(b"1", f"{folder}/a")
    await shared.fs.upload_file(b"2", f"{folder}/b")
    await shared.fs.move_files(f"{folder}/a", f"{folder}/c")
    assert await shared.fs.download_file(f"{folder}/c") == b"1"
    with pytest.raises(DaytonaConflictError):
        await shared.fs.move_files(f"{folder}/c", f"{folder}/b")
    with pytest.raises(DaytonaFileNotFoundError):
        await shared.fs.move_files(f"{folder}/nothing", f"{folder}/d")


async def test_deletes(shared, folder):
    await shared.fs.upload_file(b"1", f"{folder}/full/a")
    with pytest.raises(DaytonaBadRequestError):
        await shared.fs.delete_file(f"{folder}/full")
    await shared.fs.delete_file(f"{folder}/full/a")
    await shared.fs.delete_file(f"{folder}/full", recursive=True)
    assert await shared.fs.list_files(folder) == []
    with pytest.raises(DaytonaFileNotFoundError):
        await shared.fs.delete_file(f"{folder}/full")


async def test_paths_from_the_working_folder(shared, folder):
    name = folder.rsplit("/", 1)[1]
    await shared.fs.upload_file(b"near", f"{name}/near.txt")
    assert await shared.fs.download_file(f"{folder}/near.txt") == b"near"
    assert [entry.name for entry in await shared.fs.list_files(name)] == ["near.txt"]


async def test_the_rest_is_not_ours(shared):
    for path in ("/usr/bin/ours", "/etc/ours"):
        with pytest.raises(DaytonaError):
            await shared.fs.upload_file(b"x", path)
    with pytest.raises((DaytonaFileAccessDeniedError, DaytonaFileNotFoundError)):
        await shared.fs.download_file("/etc/shadow")
