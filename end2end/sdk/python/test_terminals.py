"""Terminals: interactive shells that outlive the connection to them."""

import asyncio

import pytest
from conftest import unique, until
from daytona import DaytonaConflictError, DaytonaError, DaytonaNotFoundError, PtySize
from flavours import Threaded


class Terminal:
    """One connection to a terminal, with all it has shown."""

    def __init__(self):
        self.shown = b""
        self.handle = None
        self.reading = None
        self.leaving = False

    def see(self, data):
        self.shown += data

    async def opened(self, is_async, call, *args, **named):
        """The asynchronous SDK reads by itself, the synchronous one while it is waited for."""
        if is_async:
            self.handle = await call(*args, on_data=self.see, **named)
            self.reading = asyncio.ensure_future(self.handle.wait())
        else:
            self.handle = await call(*args, **named)
            self.reading = asyncio.ensure_future(self.read())
        return self

    async def read(self):
        """A thread that waits is not woken when its connection goes, so it waits a little at a time."""
        while True:
            result = await self.handle.wait(on_data=self.see, timeout=0.3)
            if self.leaving or not self.handle.is_connected() or result.exit_code is not None or result.error:
                return result

    async def leave(self):
        self.leaving = True
        if isinstance(self.handle, Threaded):
            await self.reading
        await self.handle.disconnect()

    async def type(self, text):
        await self.handle.send_input(text)

    async def shows(self, text):
        await until(f"{text!r} is shown, but {self.shown!r}", lambda: text.encode() in self.shown)

    async def ended(self):
        return await asyncio.wait_for(self.reading, 10)


@pytest.fixture
async def open_terminal(shared, is_async):
    names = []

    async def create(name=None, **named):
        names.append(name or unique("terminal"))
        return await Terminal().opened(is_async, shared.process.create_pty_session, id=names[-1], **named)

    yield create
    left = {found.id for found in await shared.process.list_pty_sessions()}
    for name in left & set(names):
        await shared.process.kill_pty_session(name)


async def test_a_shell_in_a_terminal(shared, open_terminal):
    terminal = await open_terminal(cwd="/tmp", envs={"COLOUR": "red"}, pty_size=PtySize(rows=30, cols=100))
    assert terminal.handle.is_connected()
    await terminal.type("tty; pwd; stty size; echo $COLOUR-$TERM-$((6*7))\n")
    await terminal.shows("red-xterm-256color-42")
    assert b"/dev/pts/" in terminal.shown and b"30 100" in terminal.shown and b"/tmp" in terminal.shown
    await terminal.type("exit 3\n")
    result = await terminal.ended()
    assert (result.exit_code, result.error) == (3, "non-zero exit")
    assert terminal.handle.exit_code == 3


async def test_a_good_end(open_terminal):
    terminal = await open_terminal()
    await terminal.type("exit\n")
    result = await terminal.ended()
    assert (result.exit_code, result.error) == (0, None)


async def test_what_is_known_of_terminals(shared, open_terminal):
    terminal = await open_terminal(cwd="/tmp", envs={"A": "1"}, pty_size=PtySize(rows=30, cols=100))
    name = terminal.handle.session_id
    [found] = [other for other in await shared.process.list_pty_sessions() if other.id == name]
    info = await shared.process.get_pty_session_info(name)
    for known in (found, info):
        assert (known.id, known.cwd, known.rows, known.cols, known.active) == (name, "/tmp", 30, 100, True)
        assert known.created_at
    with pytest.raises(DaytonaNotFoundError):
        await shared.process.get_pty_session_info("nothing")
    with pytest.raises(DaytonaConflictError):
        await open_terminal(name)


async def test_the_size_changes(shared, open_terminal):
    terminal = await open_terminal()
    info = await terminal.handle.resize(PtySize(rows=40, cols=120))
    assert (info.rows, info.cols) == (40, 120)
    await terminal.type("stty size\n")
    await terminal.shows("40 120")
    await shared.process.resize_pty_session(terminal.handle.session_id, PtySize(rows=41, cols=121))
    await terminal.type("stty size\n")
    await terminal.shows("41 121")
    with pytest.raises(DaytonaError):
        await terminal.handle.resize(PtySize(rows=0, cols=5000))


async def test_it_outlives_its_connection_and_serves_several(shared, is_async, open_terminal):
    first = await open_terminal()
    name = first.handle.session_id
    await first.type("export KEPT=still-here\n")
    await first.type("echo sta''rted\n")
    await first.shows("started")
    await first.leave()
    second = await Terminal().opened(is_async, shared.process.connect_pty_session, name)
    third = await Terminal().opened(is_async, shared.process.connect_pty_session, name)
    await second.type("echo =$KEPT=\n")
    for terminal in (second, third):
        await terminal.shows("=still-here=")
    await third.type("exit 5\n")
    for terminal in (second, third):
        assert (await terminal.ended()).exit_code == 5


async def test_ctrl_c_and_kill(shared, open_terminal):
    terminal = await open_terminal()
    await terminal.type("sleep 300.5; echo after-$?\n")
    await until("it sleeps", lambda: running(shared))
    await terminal.type("\x03")
    await terminal.type("echo status-$?\n")
    await terminal.shows("status-130")
    await terminal.type("(trap '' HUP TERM; sleep 300.5)\n")
    await until("it sleeps again", lambda: running(shared))
    await terminal.handle.kill()
    assert (await terminal.ended()).exit_code != 0
    assert not await running(shared), "what ran in it is gone"
    with pytest.raises(DaytonaNotFoundError):
        await shared.process.kill_pty_session(terminal.handle.session_id)


async def running(sandbox):
    return (await sandbox.process.exec("pgrep -f '^sleep [3]00.5'")).result


async def test_bytes_pass_as_they_are(open_terminal):
    terminal = await open_terminal()
    await terminal.type("stty raw -echo; echo rea''dy; head -c 4 | od -An -tx1; exit\n")
    await terminal.shows("ready")
    await terminal.type(b"\x00\xff\x1b\r")
    await terminal.shows(" 00 ff 1b 0d")
    await terminal.ended()


async def test_an_unknown_terminal(shared, is_async):
    with pytest.raises(DaytonaError):
        await Terminal().opened(is_async, shared.process.connect_pty_session, "nothing")
