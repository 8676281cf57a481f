"""Finding sandboxes again."""

import datetime

from conftest import unique
from daytona import ListSandboxesQuery, SandboxListSortDirection, SandboxListSortField, SandboxState


async def names(daytona, **wanted):
    return [found.name async for found in daytona.list(ListSandboxesQuery(**wanted))]


async def test_pages_labels_and_order(daytona, make):
    mark = unique("mark")
    for number in range(5):
        await make(name=f"{mark}-{number}", labels={"mark": mark, "even": str(number % 2 == 0)})
    wanted = {"labels": {"mark": mark}, "sort": SandboxListSortField.NAME}
    ascending = await names(daytona, limit=2, order=SandboxListSortDirection.ASC, **wanted)
    assert ascending == [f"{mark}-{number}" for number in range(5)]
    descending = await names(daytona, limit=2, order=SandboxListSortDirection.DESC, **wanted)
    assert descending == ascending[::-1]
    even = await names(daytona, labels={"mark": mark, "even": "True"}, sort=SandboxListSortField.NAME,
                       order=SandboxListSortDirection.ASC)
    assert even == [ascending[0], ascending[2], ascending[4]]
    assert sorted(await names(daytona, name=mark.upper())) == ascending
    assert await names(daytona, name=f"{mark}-3") == [f"{mark}-3"]
    newest = await names(daytona, labels={"mark": mark}, sort=SandboxListSortField.CREATEDAT,
                         order=SandboxListSortDirection.DESC)
    assert newest == descending


async def test_filters(daytona, make):
    mark = unique("mark")
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=5)
    small = await make(name=f"{mark}-small", labels={"mark": mark})
    medium = await make(name=f"{mark}-medium", labels={"mark": mark}, snapshot="daytona-medium", public=True)
    await small.stop()

    async def found(**wanted):
        return sorted(await names(daytona, labels={"mark": mark}, **wanted))

    assert await found(states=[SandboxState.STOPPED]) == [small.name]
    assert await found(states=[SandboxState.STARTED, SandboxState.STOPPED]) == [medium.name, small.name]
    assert await found(snapshots=["daytona-medium"]) == [medium.name]
    assert await found(min_cpu=2) == [medium.name] and await found(max_cpu=1) == [small.name]
    assert await found(min_memory_gib=4) == [medium.name] and await found(max_disk_gib=3) == [small.name]
    assert await found(is_public=True) == [medium.name]
    assert await found(id=small.id[:8]) == [small.name]
    assert await found(created_at_after=before) == [medium.name, small.name]
    assert await found(created_at_before=before) == []
    assert await found(targets=[small.target]) == [medium.name, small.name]
    assert await found(targets=["mars"]) == []


async def test_a_listed_sandbox_can_be_used(daytona, sandbox):
    async for found in daytona.list(ListSandboxesQuery(id=sandbox.id)):
        assert (await found.process.exec("echo here")).result == "here\n"
        assert found.labels["code-toolbox-language"] == "python"
        return
    raise AssertionError("it is not listed")
