"""Changes that a sandbox itself takes on: its size, its network, its secrets."""

import pytest
from conftest import unique
from daytona import CreateSecretParams, DaytonaError, Resources
from test_settings import changed


async def test_public_and_private(daytona, sandbox):
    for public in (True, False):
        await sandbox.set_public(public)
        assert (await changed(daytona, sandbox)).public is public


async def test_network_settings(daytona, sandbox):
    await sandbox.update_network_settings(network_block_all=True)
    assert (await changed(daytona, sandbox)).network_block_all
    refused = await sandbox.process.exec(
        "python3 -c \"import socket; socket.create_connection(('192.0.2.1', 80), 3)\" 2>&1"
    )
    assert refused.exit_code != 0


async def test_more_processors_and_memory_while_it_runs(daytona, sandbox):
    await sandbox.process.exec("echo before > marker")
    await sandbox.resize(Resources(cpu=2, memory=2))
    seen = await changed(daytona, sandbox)
    assert (seen.cpu, seen.memory, seen.disk) == (2, 2, 3)
    assert (await sandbox.process.exec("cat marker")).result == "before\n"
    with pytest.raises(DaytonaError):
        await sandbox.resize(Resources(cpu=1))


async def test_more_disk_while_it_is_stopped(daytona, sandbox):
    await sandbox.process.exec("echo kept > marker")
    await sandbox.stop()
    await sandbox.resize(Resources(disk=4))
    await sandbox.wait_for_resize_complete()
    await sandbox.start()
    assert (await changed(daytona, sandbox)).disk == 4
    assert (await sandbox.process.exec("cat marker")).result == "kept\n"


async def test_secrets_of_a_sandbox(daytona, sandbox):
    secret = await daytona.secret.create(CreateSecretParams(name=unique("S").replace("-", "_"), value="hidden"))
    try:
        await sandbox.update_secrets({"TOKEN": secret.name})
        seen = (await sandbox.process.exec('echo "$TOKEN"')).result.strip()
        assert seen
    finally:
        await sandbox.update_secrets({})
        assert (await sandbox.process.exec('echo "$TOKEN"')).result == "\n"
        await daytona.secret.delete(secret.id)
