"""A follower of a command that says nothing.

The SDK pings every 20 s and gives up when no answer comes within 20 s more, so
this takes 45 s: it is begun before all other tests and looked at after them.
"""

import asyncio
import threading

import pytest
from daytona import CreateSandboxFromSnapshotParams, Daytona, SessionExecuteRequest

SECONDS = 45


class Silence(threading.Thread):
    """Follows a silent command to its end."""

    def __init__(self):
        super().__init__(daemon=True)
        self.got, self.error = [], None
        self.start()

    def run(self):
        try:
            sandbox = Daytona().create(CreateSandboxFromSnapshotParams(ephemeral=True))
            sandbox.process.create_session("silent")
            command = SessionExecuteRequest(command=f"sleep {SECONDS}; echo end", run_async=True)
            started = sandbox.process.execute_session_command("silent", command)
            asyncio.run(sandbox.process.get_session_command_logs_async(
                "silent", started.cmd_id, self.got.append, self.got.append))
            sandbox.delete()
        except Exception as error:
            self.error = error


@pytest.fixture(scope="session")
def silence(request):
    return request.config.silence


def test_it_is_kept(silence):
    silence.join(SECONDS + 10)
    assert silence.error is None and silence.got == ["end\n"]
