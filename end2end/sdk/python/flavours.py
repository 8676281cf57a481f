"""One text of a test for both Python SDKs.

The synchronous SDK has the same classes and methods as the asynchronous one.
`Threaded` lets it be called in the same way: `await sandbox.process.exec(…)`
runs the synchronous method in a thread. The SDK's own code is left as it is,
and nothing else stands between a test and it.
"""

import asyncio
import contextvars
import inspect

# What both SDKs answer at once.
AT_ONCE = {"create_lsp_server", "is_connected"}


class Threaded:
    """A synchronous object of the SDK, called like its asynchronous twin."""

    def __init__(self, plain):
        self.plain = plain

    def __getattr__(self, name):
        value = getattr(self.plain, name)
        if not inspect.ismethod(value) or inspect.iscoroutinefunction(value):
            return threaded(value)
        if name in AT_ONCE:
            return lambda *args, **named: threaded(value(*args, **named))
        if name == "list" and type(self.plain).__name__ == "Daytona":
            return lambda *args, **named: from_thread(value(*args, **named))

        async def call(*args, **named):
            args = [plain(arg) for arg in args]
            return threaded(await asyncio.to_thread(value, *args, **named))

        return call


def plain(value):
    """What the SDK itself would have been given."""
    return value.plain if isinstance(value, Threaded) else value


def threaded(value):
    """Wraps what has methods that wait; leaves data alone."""
    home = type(value).__module__
    if inspect.isgenerator(value):
        return from_thread(value)
    if home.startswith("daytona._sync") or home == "daytona.handle.pty_handle":
        return Threaded(value)
    return value


async def from_thread(values):
    """A synchronous iterator, one value after the other, all in one context."""
    context, loop, end = contextvars.copy_context(), asyncio.get_running_loop(), object()
    while (value := await loop.run_in_executor(None, context.run, next, values, end)) is not end:
        yield threaded(value)
