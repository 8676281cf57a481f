"""What the SDKs insist on and no document says; found by trying them."""

import asyncio
import datetime
import json
import warnings

import pytest
from conftest import KEY, URL, ask, unique
from daytona import (
    AsyncDaytona,
    CreateSandboxFromSnapshotParams,
    Daytona,
    DaytonaAuthenticationError,
    DaytonaConfig,
    DaytonaError,
    SessionExecuteRequest,
)
from flavours import Threaded


@pytest.fixture
def another(is_async):
    """A client with other settings, of the same flavour."""
    def make(**settings):
        config = DaytonaConfig(**settings)
        return AsyncDaytona(config) if is_async else Threaded(Daytona(config))
    return make


async def close(client):
    if isinstance(client, AsyncDaytona):
        await client.close()


async def test_a_wrong_key_is_refused(another, is_async):
    # The refused event socket is not surfaced; in the asynchronous SDK, though,
    # a task nobody looks at fails with it, so that one waits without events.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = another(api_key="dtn_wrong", api_url=URL, use_deprecated_polling=is_async)
    with pytest.raises(DaytonaAuthenticationError) as refused:
        await client.create()
    assert refused.value.status_code == 401
    await close(client)


async def test_create_answers_200_with_every_required_field_of_its_type():
    status, made = ask("POST", "/sandbox", {"labels": {}, "autoDeleteInterval": 0})
    try:
        assert status == 200
        for name in ("id", "organizationId", "name", "user", "target", "toolboxProxyUrl"):
            assert isinstance(made[name], str) and made[name]
        for name in ("public", "networkBlockAll", "kvm"):
            assert isinstance(made[name], bool)
        for name in ("cpu", "gpu", "memory", "disk"):
            assert type(made[name]) is int
        assert made["env"] == {} and made["labels"] == {}
        assert not made["toolboxProxyUrl"].endswith("/")
        assert made["state"] == "started", "so that no client has to wait"
        listed = ask("GET", "/sandbox?limit=200")[1]
        assert set(listed) >= {"items", "nextCursor"}
    finally:
        assert ask("DELETE", f"/sandbox/{made['id']}")[0] == 200


async def test_extra_keys_and_an_unknown_state_are_no_matter(daytona, sandbox):
    found = await daytona.get(sandbox.id)
    assert found.state == "started"


async def test_waits_end_with_the_change(sandbox):
    begin = asyncio.get_running_loop().time()
    for _ in range(3):
        await sandbox.stop()
        await sandbox.start()
    assert asyncio.get_running_loop().time() - begin < 5, "no wait is rounded up to whole seconds"


async def test_the_old_way_of_waiting_works_too(another):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = another(api_key=KEY, api_url=URL, use_deprecated_polling=True)
    sandbox = await client.create()
    await sandbox.stop()
    await sandbox.start()
    await sandbox.delete(wait=True)
    await close(client)


async def test_the_language_comes_back_as_it_was_given(daytona, make):
    made = await make(language="typescript")
    for found in (await daytona.get(made.id), *[f async for f in daytona.list() if f.id == made.id]):
        assert found.labels["code-toolbox-language"] == "typescript"


async def test_paths_may_hold_slashes_and_spaces(shared):
    path = f"/tmp/{unique('a b')}/ü+%25&=#?.txt"
    await shared.fs.upload_file(b"odd", path)
    assert (await shared.fs.get_file_info(path)).size == 3
    assert await shared.fs.download_file(path) == b"odd"
    assert [entry.name for entry in await shared.fs.list_files(path.rsplit("/", 1)[0])] == ["ü+%25&=#?.txt"]


async def test_bodies_no_longer_than_their_type(shared):
    for kind in ("application/x-www-form-urlencoded", "application/json"):
        status, _ = ask("POST", f"/sandbox/{shared.id}/last-activity", headers={"Content-Type": kind})
        assert status == 201, "and 201 it has to be"


async def test_no_frame_is_too_large_for_the_asynchronous_client(shared):
    session = unique("frames")
    await shared.process.create_session(session)
    started = await shared.process.execute_session_command(
        session, SessionExecuteRequest(command="head -c 9000000 /dev/zero | tr '\\0' x; echo", run_async=True))
    got = []
    await shared.process.get_session_command_logs_async(session, started.cmd_id, got.append, got.append)
    assert len("".join(got)) == 9_000_001
    await shared.process.delete_session(session)


async def test_refusals_have_both_shapes(shared):
    status, refusal = ask("GET", "/sandbox/nobody")
    assert status == 404 and refusal["statusCode"] == 404
    assert refusal["path"] == "/api/sandbox/nobody" and refusal["error"] == "Not Found" and refusal["timestamp"]
    status, refusal = ask("GET", f"{shared.toolbox_proxy_url}/{shared.id}/files/info?path=/nothing")
    assert status == 404 and refusal["code"] == "FILE_NOT_FOUND"
    assert refusal["source"] == "DAYTONA_DAEMON" and refusal["method"] == "GET"
    datetime.datetime.fromisoformat(refusal["timestamp"].replace("Z", "+00:00"))
    assert json.dumps(refusal)


async def test_unused_names_of_parameters_do_no_harm(make):
    sandbox = await make(CreateSandboxFromSnapshotParams(network_allow_list=None, public=False, volumes=[]))
    with pytest.raises(DaytonaError):
        await sandbox.process.get_session("none")
