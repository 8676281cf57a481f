"""The Python that remembers."""

import asyncio

import pytest
from daytona import DaytonaError, DaytonaTimeoutError


async def run(sandbox, code, **named):
    return await sandbox.code_interpreter.run_code(code, **named)


async def test_variables_stay(shared):
    assert (await run(shared, "import math\nkept = math.floor(7.9)\ndef twice(x): return 2 * x")).error is None
    assert (await run(shared, "print(twice(kept))")).stdout == "14\n"


async def test_output_comes_apart_and_as_it_is_written(shared):
    out, err = [], []
    loop = asyncio.get_running_loop()
    code = "import sys, time\nprint('one', flush=True)\ntime.sleep(3)\nprint('two ü')\nprint('bad', file=sys.stderr)"
    done = await run(
        shared, code,
        on_stdout=lambda message: out.append((loop.time(), message.output)),
        on_stderr=lambda message: err.append(message.output),
    )
    assert (done.stdout, done.stderr, done.error) == ("one\ntwo ü\n", "bad\n", None)
    assert "".join(text for _, text in out) == done.stdout and "".join(err) == done.stderr
    assert out[-1][0] - out[0][0] > 0.4, "the first came before the last was written"


async def test_errors_have_name_value_and_traceback(shared):
    seen = []
    done = await run(shared, "def f():\n    raise ValueError('no ü')\nf()", on_error=seen.append)
    for error in (done.error, seen[0]):
        assert (error.name, error.value) == ("ValueError", "no ü")
        assert error.traceback.startswith("Traceback") and "line 2" in error.traceback
        assert error.traceback.endswith("ValueError: no ü\n")
    assert (await run(shared, "1 +")).error.name == "SyntaxError"
    assert (await run(shared, "raise SystemExit(3)")).error is None, "an exit is an end, not an error"
    assert (await run(shared, "print('lives')")).stdout == "lives\n"


async def test_environment_of_one_run(shared):
    show = "import os; print(os.environ.get('ONCE'))"
    assert (await run(shared, show, envs={"ONCE": "now"})).stdout == "now\n"
    assert (await run(shared, show)).stdout == "None\n"


async def test_a_run_that_takes_too_long(shared):
    await run(shared, "kept = 'kept'")
    with pytest.raises(DaytonaTimeoutError):
        await run(shared, "while True: pass", timeout=1)
    assert (await run(shared, "print(kept)")).stdout == "kept\n", "what can be interrupted loses nothing"


async def test_contexts_are_apart(shared):
    one = await shared.code_interpreter.create_context(cwd="/tmp")
    two = await shared.code_interpreter.create_context()
    assert (one.cwd, one.language, one.active) == ("/tmp", "python", True) and one.id != two.id
    await run(shared, "import os; x = os.getcwd()", context=one)
    assert (await run(shared, "print(x)", context=one)).stdout == "/tmp\n"
    assert (await run(shared, "print(x)", context=two)).error.name == "NameError"
    listed = {context.id for context in await shared.code_interpreter.list_contexts()}
    assert {one.id, two.id} <= listed
    for context in (one, two):
        await shared.code_interpreter.delete_context(context)
    assert not {one.id, two.id} & {context.id for context in await shared.code_interpreter.list_contexts()}
    with pytest.raises(DaytonaError):
        await run(shared, "1", context=one)
    with pytest.raises(DaytonaError):
        await shared.code_interpreter.delete_context(one)


async def test_runs_of_one_context_wait_for_each_other(shared):
    await run(shared, "order = []")
    loop, under_way = asyncio.get_running_loop(), asyncio.Event()
    slow = run(
        shared, "import time; print('on', flush=True); time.sleep(1); order.append(1)",
        # The synchronous SDK calls from a thread of its own.
        on_stdout=lambda _: loop.call_soon_threadsafe(under_way.set),
    )
    first = asyncio.ensure_future(slow)
    await asyncio.wait_for(under_way.wait(), 30)
    await asyncio.gather(first, run(shared, "order.append(2)"))
    assert (await run(shared, "print(order)")).stdout == "[1, 2]\n"


async def test_much_output(shared):
    done = await run(shared, "print('x' * 6_000_000); print('end')")
    assert len(done.stdout) == 6_000_005 and done.stdout.endswith("x\nend\n")


async def test_subprocesses_are_heard(shared):
    done = await run(shared, "import os, subprocess; os.system('echo from a shell'); "
                             "print(subprocess.run(['echo', 'caught'], capture_output=True, text=True).stdout)")
    assert "caught" in done.stdout and "from a shell" in done.stdout
