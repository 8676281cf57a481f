"""What can be changed about a sandbox that is there."""

import pytest
from daytona import DaytonaError


async def changed(daytona, sandbox):
    return await daytona.get(sandbox.id)


async def test_labels_are_replaced_whole(daytona, sandbox):
    kept = {"code-toolbox-language": "python", "k": "v ü"}
    assert await sandbox.set_labels(kept) == kept
    assert (await changed(daytona, sandbox)).labels == kept


async def test_intervals(daytona, sandbox):
    await sandbox.set_autostop_interval(5)
    await sandbox.set_auto_archive_interval(6)
    await sandbox.set_auto_delete_interval(7)
    seen = await changed(daytona, sandbox)
    assert (seen.auto_stop_interval, seen.auto_archive_interval, seen.auto_delete_interval) == (5, 6, 7)
    await sandbox.set_autostop_interval(0)
    await sandbox.set_auto_delete_interval(-1)
    seen = await changed(daytona, sandbox)
    assert (seen.auto_stop_interval, seen.auto_delete_interval) == (0, -1)
    for wrong in (sandbox.set_autostop_interval, sandbox.set_auto_archive_interval):
        with pytest.raises(DaytonaError):
            await wrong(-1)


async def test_a_time_to_live(daytona, sandbox):
    await sandbox.set_ttl(60)
    assert (await changed(daytona, sandbox)).auto_destroy_at
    await sandbox.set_ttl(0)
    assert not (await changed(daytona, sandbox)).auto_destroy_at


async def test_activity_is_noted(daytona, sandbox):
    before = (await changed(daytona, sandbox)).last_activity_at
    await sandbox.refresh_activity()
    assert (await changed(daytona, sandbox)).last_activity_at >= before


async def test_environment(sandbox):
    await sandbox.update_env({"FIRST": "1", "SECOND": "2"})
    assert (await sandbox.process.exec("echo $FIRST$SECOND")).result == "12\n"
    await sandbox.update_env({"FIRST": "one"}, unset=["SECOND"])
    assert (await sandbox.process.exec('echo "$FIRST[$SECOND]"')).result == "one[]\n"


async def test_a_pause_is_a_rest(daytona, sandbox):
    await sandbox.process.exec("echo kept > marker")
    await sandbox.pause()
    assert (await changed(daytona, sandbox)).state == "paused"
    await sandbox.start()
    assert (await sandbox.process.exec("cat marker")).result == "kept\n"
    await sandbox.set_autostop_interval(0)
    await sandbox.set_auto_pause_interval(5)
    assert (await changed(daytona, sandbox)).auto_pause_interval == 5
