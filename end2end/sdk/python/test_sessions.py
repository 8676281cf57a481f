"""Shells that stay, and their logs."""

import asyncio
import time

import pytest
from conftest import unique
from daytona import (
    DaytonaCommandAlreadyCompletedError,
    DaytonaConflictError,
    DaytonaError,
    DaytonaNotFoundError,
    SessionExecuteRequest,
)


@pytest.fixture
async def session(shared):
    """A session of its own in the shared sandbox."""
    name = unique("session")
    await shared.process.create_session(name)
    yield name
    if name in [found.session_id for found in await shared.process.list_sessions()]:
        await shared.process.delete_session(name)


class Log:
    """What the two callbacks of a followed log were given."""

    def __init__(self):
        self.outs, self.errs, self.first_at = [], [], None

    def on_out(self, text):
        self.first_at = self.first_at or time.monotonic()
        self.outs.append(text)

    async def on_err(self, text):
        self.errs.append(text)

    @property
    def out(self):
        return "".join(self.outs)

    @property
    def err(self):
        return "".join(self.errs)


async def run(sandbox, session, command, **named):
    return await sandbox.process.execute_session_command(session, SessionExecuteRequest(command=command, **named))


async def test_the_shell_remembers(shared, session):
    await run(shared, session, "cd /tmp; export COLOUR=red; twice() { echo $1$1; }")
    done = await run(shared, session, "pwd; echo $COLOUR; twice x; echo err >&2")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "/tmp\nred\nxx\n", "err\n")
    assert done.output.count("\x01\x01\x01") == 3 and "\x02\x02\x02err\n" in done.output
    failed = await run(shared, session, "(exit 7)")
    assert failed.exit_code == 7


async def test_what_is_known_of_a_session(shared, session):
    first = await run(shared, session, "echo one")
    second = await run(shared, session, "echo two; (exit 2)")
    found = await shared.process.get_session(session)
    assert [(command.id, command.command, command.exit_code) for command in found.commands] == [
        (first.cmd_id, "echo one", 0),
        (second.cmd_id, "echo two; (exit 2)", 2),
    ]
    command = await shared.process.get_session_command(session, second.cmd_id)
    assert (command.id, command.exit_code) == (second.cmd_id, 2)
    assert session in [other.session_id for other in await shared.process.list_sessions()]
    logs = await shared.process.get_session_command_logs(session, first.cmd_id)
    assert (logs.stdout, logs.stderr, logs.output) == ("one\n", "", "\x01\x01\x01one\n")


async def test_a_name_is_taken_once_and_gone_after_delete(shared, session):
    with pytest.raises(DaytonaConflictError):
        await shared.process.create_session(session)
    begun = "until pgrep -f '^sleep [3]00.25' >/dev/null; do sleep 0.05; done"
    await run(shared, session, f"setsid sleep 300.25 >/dev/null 2>&1 & {begun}")
    assert (await shared.process.exec("pgrep -f [3]00.25")).result
    await shared.process.delete_session(session)
    assert (await shared.process.exec("pgrep -f [3]00.25")).result == "", "everything started in it is gone"
    for ask in (shared.process.get_session, shared.process.delete_session):
        with pytest.raises(DaytonaNotFoundError):
            await ask(session)
    with pytest.raises(DaytonaNotFoundError):
        await run(shared, session, "true")


async def test_a_log_is_followed_while_it_is_written(shared, session):
    started = await run(shared, session, "echo one; echo two >&2; sleep 5; echo 'three ü'; (exit 4)", run_async=True)
    assert started.exit_code is None
    log = Log()
    await shared.process.get_session_command_logs_async(session, started.cmd_id, log.on_out, log.on_err)
    assert (log.out, log.err) == ("one\nthree ü\n", "two\n")
    assert time.monotonic() - log.first_at > 0.7, "the first line did not wait for the last"
    command = await shared.process.get_session_command(session, started.cmd_id)
    assert command.exit_code == 4, "known when the stream ends"
    later = Log()
    await shared.process.get_session_command_logs_async(session, started.cmd_id, later.on_out, later.on_err)
    assert (later.out, later.err) == (log.out, log.err), "the same again afterwards"


async def test_two_follow_and_one_goes(shared, session):
    started = await run(shared, session, "for i in 1 2 3 4 5; do echo $i; sleep 0.2; done", run_async=True)
    log = Log()

    def leave(text):
        raise LookupError(f"seen enough: {text}")

    staying = shared.process.get_session_command_logs_async(session, started.cmd_id, log.on_out, log.on_err)
    going = shared.process.get_session_command_logs_async(session, started.cmd_id, leave, log.on_err)
    stayed, gone = await asyncio.gather(staying, going, return_exceptions=True)
    assert "seen enough" in str(gone) and stayed is None
    assert log.out == "1\n2\n3\n4\n5\n"


async def test_a_large_log_comes_whole(shared, session):
    started = await run(shared, session, "seq 1 300000; echo end >&2", run_async=True)
    log = Log()
    await shared.process.get_session_command_logs_async(session, started.cmd_id, log.on_out, log.on_err)
    assert log.out == "".join(f"{number}\n" for number in range(1, 300_001)) and log.err == "end\n"
    logs = await shared.process.get_session_command_logs(session, started.cmd_id)
    assert logs.stdout == log.out and logs.stderr == "end\n"


async def test_input_reaches_a_command(shared, session):
    started = await run(shared, session, "read first; read second; echo got $first and $second", run_async=True)
    await shared.process.send_session_command_input(session, started.cmd_id, "hello")
    await shared.process.send_session_command_input(session, started.cmd_id, "world\n")
    log = Log()
    await shared.process.get_session_command_logs_async(session, started.cmd_id, log.on_out, log.on_err)
    assert log.out.endswith("got hello and world\n"), log.out
    with pytest.raises(DaytonaCommandAlreadyCompletedError):
        await shared.process.send_session_command_input(session, started.cmd_id, "too late")
    with pytest.raises(DaytonaNotFoundError):
        await shared.process.send_session_command_input(session, "nothing", "x")


async def test_input_is_echoed_unless_that_is_not_wanted(shared, session):
    echoed = await run(shared, session, "read line", run_async=True)
    await shared.process.send_session_command_input(session, echoed.cmd_id, "seen")
    silent = await run(shared, session, "read line", run_async=True, suppress_input_echo=True)
    await shared.process.send_session_command_input(session, silent.cmd_id, "unseen")
    for started, expected in ((echoed, "seen\n"), (silent, "")):
        log = Log()
        await shared.process.get_session_command_logs_async(session, started.cmd_id, log.on_out, log.on_err)
        assert log.out == expected


async def test_commands_wait_for_their_turn(shared, session):
    await run(shared, session, "sleep 0.5; echo first > /tmp/turns", run_async=True)
    done = await run(shared, session, "cat /tmp/turns")
    assert done.stdout == "first\n"


async def test_a_here_document_and_open_input(shared, session):
    done = await run(shared, session, "cat <<'END'\nfirst $HOME\nsecond\nEND")
    assert done.stdout == "first $HOME\nsecond\n"
    done = await run(shared, session, "cat; echo after")
    assert done.stdout == "after\n", "a command that is waited for has an empty input"


async def test_bytes_that_are_no_text(shared, session):
    done = await run(shared, session, r"printf 'a\377b\n'; printf 'no end'")
    assert done.stdout.startswith("a\ufffdb\n") and "no end" in done.stdout


async def test_the_entrypoint(shared):
    found = await shared.process.get_entrypoint_session()
    assert found.session_id == "entrypoint"
    assert "entrypoint" not in [other.session_id for other in await shared.process.list_sessions()]
    logs = await shared.process.get_entrypoint_logs()
    log = Log()
    await asyncio.wait_for(shared.process.get_entrypoint_logs_async(log.on_out, log.on_err), 10)
    assert (log.out, log.err) == (logs.stdout or "", logs.stderr or "")
    with pytest.raises(DaytonaError):
        await shared.process.create_session("entrypoint")
