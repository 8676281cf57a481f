"""Images made by the declarative builder, as far as they can be honoured."""

import pytest
from daytona import (
    CreateSandboxFromImageParams,
    CreateSnapshotParams,
    DaytonaBadRequestError,
    DaytonaError,
    Image,
    Resources,
)
from conftest import unique


async def test_a_sandbox_of_another_size(make):
    sandbox = await make(CreateSandboxFromImageParams(
        image="daytona-small", resources=Resources(cpu=2, memory=2, disk=5), language="python"))
    assert (sandbox.cpu, sandbox.memory, sandbox.disk) == (2, 2, 5)
    assert (await sandbox.process.code_run("print('ran')")).result == "ran\n"


async def test_environment_folder_and_commands(make):
    logs = []
    image = (
        Image.base("daytona-small")
        .env({"COLOUR": "dark red"})
        .run_commands("echo built > built.txt")
        .workdir("/home/daytona/project")
    )
    made = await make_logged(make, image, logs)
    done = await made.process.exec("echo $COLOUR; pwd; cat ~/built.txt ~/project/built.txt 2>/dev/null")
    assert done.result.startswith("dark red\n/home/daytona/project\n") and "built" in done.result


async def make_logged(make, image, logs):
    return await make(CreateSandboxFromImageParams(image=image, language="python"))


async def test_the_logs_of_a_build(daytona):
    logs = []
    image = Image.base("daytona-small").run_commands("echo said while building")
    sandbox = await daytona.create(
        CreateSandboxFromImageParams(image=image, ephemeral=True), on_snapshot_create_logs=logs.append)
    try:
        assert sandbox.state == "started"
    finally:
        await sandbox.delete()


async def test_what_cannot_be_built_is_refused_in_words(daytona):
    for image in (
        Image.base("alpine:3.19").run_commands("apk add curl"),
        Image.base("daytona-small").dockerfile_commands(["USER root"]),
    ):
        with pytest.raises(DaytonaBadRequestError):
            await daytona.create(CreateSandboxFromImageParams(image=image))
    with pytest.raises(DaytonaError):
        await daytona.snapshot.create(CreateSnapshotParams(name=unique("no"), image="windows:95"))
