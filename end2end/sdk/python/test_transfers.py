"""Files to a sandbox and from it, in every form there is."""

import io
import os
import threading

import pytest
from conftest import unique
from daytona import DaytonaError, DaytonaFileNotFoundError, FileDownloadRequest, FileUpload

LARGE = os.urandom(1 << 20) * 12


async def pieces(stream):
    """All of a streamed download, which the asynchronous SDK has to be awaited for."""
    if hasattr(stream, "__await__"):
        stream = await stream
    return [piece async for piece in stream]


@pytest.fixture
async def path(shared):
    """A path in a folder that does not exist before."""
    folder = unique("transfer")
    yield f"/home/daytona/{folder}/file.bin"
    await shared.process.exec(f"rm -rf {folder}")


async def test_bytes_and_paths(shared, path, tmp_path):
    for content in (b"", b"text", bytes(range(256)) * 3, LARGE):
        await shared.fs.upload_file(content, path)
        assert await shared.fs.download_file(path) == content
    local = tmp_path / "local"
    local.write_bytes(LARGE)
    await shared.fs.upload_file(str(local), path)
    await shared.fs.download_file(path, str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == LARGE
    assert (await shared.process.exec(f"wc -c < {path}")).result.strip() == str(len(LARGE))


async def test_several_at_once(shared, path, tmp_path):
    folder = path.rsplit("/", 1)[0]
    local = tmp_path / "local"
    local.write_bytes(b"from a path")
    odd = f"{folder}/sub folder/ü \"odd\" %41.txt"
    await shared.fs.upload_files([
        FileUpload(source=b"one", destination=f"{folder}/1"),
        FileUpload(source=str(local), destination=odd),
        FileUpload(source=b"", destination=f"{folder}/empty"),
    ])
    answers = await shared.fs.download_files([
        FileDownloadRequest(source=f"{folder}/1"),
        FileDownloadRequest(source=odd, destination=str(tmp_path / "back")),
        FileDownloadRequest(source=f"{folder}/nothing"),
    ])
    assert answers[0].result == b"one"
    assert (tmp_path / "back").read_bytes() == b"from a path"
    assert answers[2].result is None
    details = answers[2].error_details
    assert (details.status_code, details.code) == (404, "FILE_NOT_FOUND")


async def test_streams(shared, path):
    sent = []
    await shared.fs.upload_file_stream(io.BytesIO(LARGE), path, on_progress=lambda at: sent.append(at.bytes_sent))
    assert sent == sorted(sent) and sent[-1] == len(LARGE)
    received = []
    got = await pieces(shared.fs.download_file_stream(path, on_progress=received.append))
    assert b"".join(got) == LARGE and len(got) > 1
    assert (received[-1].bytes_received, received[-1].total_bytes) == (len(LARGE), len(LARGE))


async def test_streams_are_cancelled(shared, path):
    await shared.fs.upload_file(LARGE, path)
    cancel = threading.Event()
    with pytest.raises(DaytonaError, match="cancel"):
        await pieces(shared.fs.download_file_stream(path, cancel_event=cancel, on_progress=lambda at: cancel.set()))
    stop = threading.Event()
    with pytest.raises(DaytonaError):
        await shared.fs.upload_file_stream(
            io.BytesIO(LARGE), path + ".half", cancel_event=stop, on_progress=lambda at: stop.set())
    assert (await shared.process.exec("echo lives")).result == "lives\n"


async def test_what_is_not_there(shared, path):
    with pytest.raises(DaytonaFileNotFoundError) as refused:
        await shared.fs.download_file(path)
    assert (refused.value.status_code, refused.value.source) == (404, "DAYTONA_DAEMON")
    with pytest.raises(DaytonaFileNotFoundError):
        await pieces(shared.fs.download_file_stream(path))


async def test_a_trap_is_no_file(shared, path):
    folder = path.rsplit("/", 1)[0]
    await shared.process.exec(f"mkdir -p {folder}; cd {folder}; mkfifo fifo; ln -s /dev/zero zero; ln -s loop loop")
    for trap in ("fifo", "zero", "loop"):
        with pytest.raises(DaytonaError):
            await shared.fs.download_file(f"{folder}/{trap}", 5)
        with pytest.raises(DaytonaError):
            await shared.fs.upload_file(b"x", f"{folder}/{trap}", 5)
