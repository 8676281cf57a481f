"""What the tests share: a client of each flavour, and sandboxes that go again.

Where the server is comes from the two variables that everyone sets,
DAYTONA_API_URL and DAYTONA_API_KEY: nothing in here knows that it is ours.
"""

import asyncio
import json
import os
import time
import urllib.request
import uuid

import pytest
from daytona import AsyncDaytona, CreateSandboxFromSnapshotParams, Daytona

from flavours import Threaded

URL = os.environ["DAYTONA_API_URL"]
KEY = os.environ["DAYTONA_API_KEY"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """What takes long by itself is begun first and looked at last."""
    items.sort(key=lambda item: "silence" in item.fixturenames)
    if items and "silence" in items[-1].fixturenames and not config.option.collectonly:
        config.silence = items[-1].module.Silence()


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="session", params=["sync", "async"])
async def daytona(request, anyio_backend):
    if request.param == "sync":
        yield Threaded(Daytona())
    else:
        async with AsyncDaytona() as client:
            yield client


@pytest.fixture
def is_async(daytona):
    return isinstance(daytona, AsyncDaytona)


@pytest.fixture(scope="session")
async def shared(daytona):
    """A sandbox for the tests that leave nothing behind in it."""
    sandbox = await daytona.create()
    yield sandbox
    await sandbox.delete()


@pytest.fixture
async def sandbox(daytona):
    """A sandbox for one test."""
    sandbox = await daytona.create(CreateSandboxFromSnapshotParams(name=unique("sandbox")))
    yield sandbox
    await gone(daytona, sandbox.id)


@pytest.fixture
async def make(daytona):
    """Makes sandboxes that go with the test, however it ends."""
    made = []

    async def create(params=None, **named):
        sandbox = await daytona.create(params or CreateSandboxFromSnapshotParams(**named))
        made.append(sandbox.id)
        return sandbox

    yield create
    for sandbox in reversed(made):
        await gone(daytona, sandbox)


async def gone(daytona, sandbox_id):
    """Deletes a sandbox, unless the test did."""
    for sandbox in [found async for found in daytona.list()]:
        if sandbox.id == sandbox_id:
            await sandbox.delete()


def unique(word):
    """A name nobody else uses."""
    return f"{word}-{uuid.uuid4().hex[:12]}"


async def until(what, holds):
    """Waits until something holds, at most half a minute."""
    deadline = time.monotonic() + 30
    while True:
        value = holds()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        assert time.monotonic() < deadline, f"never: {what}"
        await asyncio.sleep(0.05)


def ask(method, path, body=None, headers=None):
    """A plain request: status and parsed answer, for what the SDKs hide."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        path if "://" in path else URL + path,
        data=data,
        method=method,
        headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", **(headers or {})},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        status, text = refusal.code, refusal.read()
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text
