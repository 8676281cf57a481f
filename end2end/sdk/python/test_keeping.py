"""What outlives a sandbox: archives, snapshots, forks, volumes, secrets, warm pools."""

import pytest
from conftest import unique, until
from daytona import (
    CreateSandboxFromSnapshotParams,
    CreateSecretParams,
    CreateSnapshotParams,
    DaytonaConflictError,
    DaytonaError,
    DaytonaNotFoundError,
    Resources,
    SandboxState,
    UpdateSecretParams,
    VolumeMount,
)


async def test_an_archived_sandbox_comes_back(daytona, sandbox):
    await sandbox.process.exec("mkdir -p a; echo kept > a/file; ln -s file a/link; chmod 700 a")
    with pytest.raises(DaytonaError):
        await sandbox.archive()
    await sandbox.stop()
    await sandbox.archive()

    async def archived():
        return (await daytona.get(sandbox.id)).state == SandboxState.ARCHIVED

    await until("it is archived", archived)
    await sandbox.start()
    assert (await sandbox.process.exec("cat a/link; stat -c %a a")).result == "kept\n700\n"


async def test_a_snapshot_of_a_sandbox(daytona, sandbox, make):
    name = unique("snapshot")
    await sandbox.process.exec("echo copied > file")
    await sandbox.create_snapshot(name)
    try:
        assert (await daytona.snapshot.get(name)).state == "active"
        await sandbox.process.exec("echo changed > file")
        copy = await make(snapshot=name)
        assert (await copy.process.exec("cat file")).result == "copied\n"
        assert name in [found.name for found in (await daytona.snapshot.list(limit=200)).items]
    finally:
        await daytona.snapshot.delete(await daytona.snapshot.get(name))
    with pytest.raises(DaytonaNotFoundError):
        await daytona.snapshot.get(name)


async def test_snapshots_by_name(daytona, make):
    name = unique("made")
    logs = []
    made = await daytona.snapshot.create(
        CreateSnapshotParams(name=name, image="daytona-small", resources=Resources(cpu=2, memory=2, disk=4)),
        on_logs=logs.append,
    )
    assert (made.name, made.state, made.cpu, made.mem, made.disk) == (name, "active", 2, 2, 4)
    sandbox = await make(snapshot=name)
    assert (sandbox.cpu, sandbox.memory, sandbox.disk) == (2, 2, 4)
    page = await daytona.snapshot.list(page=1, limit=1)
    assert len(page.items) == 1 and page.page == 1 and page.total >= 2 and page.total_pages == page.total
    with pytest.raises(DaytonaConflictError):
        await daytona.snapshot.create(CreateSnapshotParams(name=name, image="daytona-small"))
    assert (await daytona.snapshot.activate(made)).state == "active"
    await daytona.snapshot.delete(name)


async def test_a_fork_goes_its_own_way(sandbox):
    await sandbox.process.exec("echo both > file")
    name = unique("fork")
    fork = await sandbox.fork(name)
    try:
        assert fork.name == name and fork.id != sandbox.id
        assert (await fork.process.exec("cat file; echo fork > file")).result == "both\n"
        assert (await sandbox.process.exec("cat file")).result == "both\n"
    finally:
        await fork.delete()


async def test_a_volume_is_shared(daytona, make):
    name = unique("volume")
    with pytest.raises(DaytonaNotFoundError):
        await daytona.volume.get(name)
    volume = await daytona.volume.get(name, create=True)
    try:
        async def ready():
            return (await daytona.volume.get(name)).state == "ready"

        await until("it is ready", ready)
        assert (await daytona.volume.get(name)).id == volume.id
        assert volume.id in [found.id for found in await daytona.volume.list()]
        with pytest.raises(DaytonaConflictError):
            await daytona.volume.create(name)
        mounts = [VolumeMount(volume_id=volume.id, mount_path="/home/daytona/shared")]
        one = await make(CreateSandboxFromSnapshotParams(volumes=mounts))
        two = await make(CreateSandboxFromSnapshotParams(volumes=mounts))
        await one.process.exec("echo from-one > shared/file; mkdir shared/sub; echo inner > shared/sub/file")
        assert (await two.process.exec("cat shared/file")).result == "from-one\n"
        part = VolumeMount(volume_id=volume.id, mount_path="/home/daytona/part", subpath="sub")
        three = await make(CreateSandboxFromSnapshotParams(volumes=[part]))
        assert (await three.process.exec("ls part; cat part/file")).result == "file\ninner\n"
        with pytest.raises(DaytonaConflictError):
            await daytona.volume.delete(volume)
        for sandbox in (one, two, three):
            await sandbox.delete()
    finally:
        await daytona.volume.delete(await daytona.volume.get(name))
    assert name not in [found.name for found in await daytona.volume.list()]


async def test_secrets(daytona, make):
    name = unique("SECRET").replace("-", "_")
    secret = await daytona.secret.create(
        CreateSecretParams(name=name, value="hidden", description="a key", hosts=["api.example.com"]))
    try:
        assert secret.placeholder and "hidden" not in secret.model_dump_json()
        assert (await daytona.secret.get(secret.id)).hosts == ["api.example.com"]
        updated = await daytona.secret.update(secret.id, UpdateSecretParams(description="another"))
        assert updated.description == "another" and updated.hosts == ["api.example.com"]
        page = await daytona.secret.list(name=name, limit=1)
        assert [found.id for found in page.items] == [secret.id]
        sandbox = await make(secrets={"TOKEN": name})
        # The cloud puts the placeholder there and its proxy the value into requests; here it is the value.
        assert (await sandbox.process.exec('echo "$TOKEN"')).result in ("hidden\n", f"{secret.placeholder}\n")
        with pytest.raises(Exception) as refused:  # Of the generated client's class.
            await daytona.secret.create(CreateSecretParams(name=name, value="other"))
        assert refused.value.status == 409
    finally:
        await daytona.secret.delete(secret.id)
    with pytest.raises(Exception) as refused:
        await daytona.secret.get(secret.id)
    assert refused.value.status == 404


async def test_warm_pools(daytona, make):
    pool = await daytona.warm_pool.create("daytona-medium", 1)
    try:
        async def filled():
            [found] = [other for other in await daytona.warm_pool.list() if other.id == pool.id]
            return found.current_size == 1

        await until("it is filled", filled)
        sandbox = await make(snapshot="daytona-medium")
        assert (await sandbox.process.exec("echo warm")).result == "warm\n"
        assert (await daytona.warm_pool.update(pool.id, 2)).pool == 2
    finally:
        await daytona.warm_pool.delete(pool.id)
    assert pool.id not in [found.id for found in await daytona.warm_pool.list()]
