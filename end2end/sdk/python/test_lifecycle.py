"""Sandboxes from create to delete."""

import asyncio

import pytest
from conftest import unique, until
from daytona import (
    CreateSandboxFromImageParams,
    CreateSandboxFromSnapshotParams,
    DaytonaBadRequestError,
    DaytonaConflictError,
    DaytonaError,
    DaytonaNotFoundError,
    SandboxState,
)


async def test_nothing_asked_for_gives_the_defaults(shared):
    assert shared.state == SandboxState.STARTED
    assert (shared.cpu, shared.memory, shared.disk, shared.gpu) == (1, 1, 3, 0)
    assert (shared.auto_stop_interval, shared.auto_archive_interval, shared.auto_delete_interval) == (15, 10080, -1)
    assert shared.name == shared.id and shared.user == "daytona" and not shared.public
    assert shared.labels == {"code-toolbox-language": "python"}


async def test_what_is_asked_for_is_given(daytona, make):
    name = unique("asked")
    made = await make(
        name=name,
        language="javascript",
        labels={"team": "red"},
        env_vars={"COLOUR": "dark red"},
        auto_stop_interval=30,
        auto_archive_interval=60,
        auto_delete_interval=120,
        public=True,
    )
    again = await daytona.get(name)
    for sandbox in (made, again):
        assert sandbox.name == name and sandbox.public
        assert sandbox.labels == {"team": "red", "code-toolbox-language": "javascript"}
        assert sandbox.env == {"COLOUR": "dark red"}
        intervals = (sandbox.auto_stop_interval, sandbox.auto_archive_interval, sandbox.auto_delete_interval)
        assert intervals == (30, 60, 120)
    assert again.id == made.id
    assert (await made.process.exec('echo "$COLOUR"')).result == "dark red\n"
    assert (await again.process.code_run("console.log(1 + 1)")).result == "2\n"


async def test_a_name_is_taken_once(daytona, sandbox):
    with pytest.raises(DaytonaConflictError, match=f"{sandbox.name} already exists"):
        await daytona.create(CreateSandboxFromSnapshotParams(name=sandbox.name))


async def test_the_snapshot_decides_the_size(make):
    sandbox = await make(snapshot="daytona-medium")
    assert (sandbox.cpu, sandbox.memory, sandbox.disk) == (2, 4, 8)
    assert sandbox.snapshot == "daytona-medium"


async def test_what_cannot_be_had_is_refused(daytona):
    with pytest.raises(DaytonaBadRequestError, match="Snapshot nowhere not found"):
        await daytona.create(CreateSandboxFromSnapshotParams(snapshot="nowhere"))
    with pytest.raises(DaytonaBadRequestError, match="cannot be used"):
        await daytona.create(CreateSandboxFromImageParams(image="windows:95"))
    with pytest.raises(DaytonaBadRequestError):
        await daytona.create(CreateSandboxFromSnapshotParams(os_user="root"))
    with pytest.raises(DaytonaError):
        await daytona.create(CreateSandboxFromSnapshotParams(auto_stop_interval=-1))


async def test_stop_and_start_keep_the_home_and_nothing_running(daytona, sandbox):
    await sandbox.fs.upload_file(b"kept", "kept.txt")
    await sandbox.process.exec("touch /tmp/passing; (setsid sleep 300 &) >/dev/null 2>&1")
    await sandbox.stop()
    assert sandbox.state == SandboxState.STOPPED
    assert (await daytona.get(sandbox.id)).state == SandboxState.STOPPED
    with pytest.raises(DaytonaError):
        await sandbox.process.exec("true")
    await sandbox.start()
    assert sandbox.state == SandboxState.STARTED
    assert await sandbox.fs.download_file("kept.txt") == b"kept"
    assert (await sandbox.process.exec("ls /tmp; pgrep sleep")).result == ""


async def test_the_client_starts_and_stops_as_well(daytona, sandbox):
    await daytona.stop(sandbox)
    assert sandbox.state == SandboxState.STOPPED
    await daytona.start(sandbox)
    await sandbox.wait_for_sandbox_start()
    assert sandbox.state == SandboxState.STARTED
    await sandbox.stop(force=True)
    await sandbox.wait_for_sandbox_stop()
    await sandbox.start()
    await sandbox.start()
    assert sandbox.state == SandboxState.STARTED, "starting twice is no error"


async def test_delete_leaves_nothing(daytona, make):
    sandbox = await make()
    await daytona.delete(sandbox)
    with pytest.raises(DaytonaNotFoundError):
        await daytona.get(sandbox.id)
    with pytest.raises(DaytonaNotFoundError):
        await sandbox.delete()
    waited = await make()
    await waited.delete(wait=True)
    assert waited.id not in [found.id async for found in daytona.list()]


async def test_an_ephemeral_one_goes_with_its_stop(daytona, make):
    sandbox = await make(ephemeral=True)
    assert sandbox.auto_delete_interval == 0
    await sandbox.stop()
    with pytest.raises(DaytonaNotFoundError):
        await daytona.get(sandbox.id)


async def test_what_changed_elsewhere_is_seen_after_a_refresh(daytona, sandbox):
    other = await daytona.get(sandbox.name)
    await other.set_labels({"seen": "yes"})
    await sandbox.refresh_data()
    assert sandbox.labels["seen"] == "yes"
    with pytest.raises(DaytonaNotFoundError, match="not found"):
        await daytona.get("nobody-has-this-name")


async def test_many_at_once(daytona):
    made = await asyncio.gather(*(daytona.create(CreateSandboxFromSnapshotParams(ephemeral=True)) for _ in range(12)))
    ran = await asyncio.gather(*(sandbox.process.exec("id -u") for sandbox in made))
    users = {answer.result for answer in ran}
    assert len(users) == 12, "each has a user of its own"
    await asyncio.gather(*(sandbox.delete() for sandbox in made))
    left = {found.id async for found in daytona.list()}
    assert not left & {sandbox.id for sandbox in made}


async def test_a_sandbox_that_broke_is_recovered(daytona, sandbox):
    with pytest.raises(DaytonaError, match="error state|recover"):
        await sandbox.recover()
    await until("it is as it was", lambda: sandbox.state == SandboxState.STARTED)
