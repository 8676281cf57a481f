"""That no method of the SDK was forgotten."""

import inspect
import pathlib
import re

import pytest
from daytona import AsyncDaytona, AsyncSandbox, Daytona, Sandbox
from daytona._async import code_interpreter as async_interpreter
from daytona._async import filesystem, git, lsp_server, process, secret, snapshot, volume, warm_pool
from daytona.handle import async_pty_handle, pty_handle

CLASSES = [
    Daytona, AsyncDaytona, Sandbox, AsyncSandbox,
    async_interpreter.AsyncCodeInterpreter, filesystem.AsyncFileSystem, git.AsyncGit, lsp_server.AsyncLspServer,
    process.AsyncProcess, secret.AsyncSecretService, snapshot.AsyncSnapshotService, volume.AsyncVolumeService,
    warm_pool.AsyncWarmPoolService, async_pty_handle.AsyncPtyHandle, pty_handle.PtyHandle,
]
# Called by the SDK itself: what it waits with, and how it packs an image.
INSIDE = {"wait_for_connection", "process_image_context", "close", "model_post_init"}
TEXT = "".join(path.read_text() for path in pathlib.Path(__file__).parent.glob("*.py"))


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_method_is_called_somewhere(kind):
    methods = [name for name, value in vars(kind).items() if inspect.isfunction(value) and not name.startswith("_")]
    assert methods
    forgotten = [name for name in methods if name not in INSIDE and not re.search(rf"\.{name}\b", TEXT)]
    assert not forgotten, f"no test calls {forgotten}"
