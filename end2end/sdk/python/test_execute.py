"""Single commands and single programs."""

import base64

import pytest
from daytona import (
    CodeRunParams,
    CreateSandboxFromSnapshotParams,
    DaytonaBadRequestError,
    DaytonaError,
    DaytonaProcessExecutionTimeoutError,
)


async def test_a_command_gives_its_code_and_output(shared):
    done = await shared.process.exec("echo hi; echo err >&2; exit 3")
    assert (done.exit_code, done.result) == (3, "hi\nerr\n")
    assert done.artifacts.stdout == done.result


async def test_folder_and_environment(shared):
    done = await shared.process.exec("pwd; echo \"$A\"", cwd="/tmp", env={"A": "1 '2' \"3\"\n4"})
    assert done.result == "/tmp\n1 '2' \"3\"\n4\n"
    with pytest.raises(DaytonaError):
        await shared.process.exec("true", env={"NOT-A-NAME": "1"})
    with pytest.raises(DaytonaBadRequestError):
        await shared.process.exec("   ")


async def test_a_command_that_takes_too_long(shared):
    with pytest.raises(DaytonaProcessExecutionTimeoutError) as refused:
        await shared.process.exec("sleep 300.125 & sleep 300.125", timeout=1)
    assert refused.value.status_code == 408
    assert (await shared.process.exec("pgrep -f [3]00.125")).result == ""


async def test_output_comes_whole(shared):
    done = await shared.process.exec("seq 1 200000")
    assert done.result.count("\n") == 200_000 and done.result.endswith("\n200000\n")
    odd = await shared.process.exec("printf 'ü\\377|'; printf 'line\\r\\n'")
    assert odd.result == "ü\ufffd|line\r\n"


async def test_python_runs(shared):
    done = await shared.process.code_run(
        "import sys, os\nprint(sys.argv[1:], os.environ['B'])\nprint('bad', file=sys.stderr)",
        params=CodeRunParams(argv=["a", "b c"], env={"B": "2"}),
    )
    assert done.exit_code == 0 and "['a', 'b c'] 2\n" in done.result and "bad\n" in done.result
    failed = await shared.process.code_run("print('before')\n1/0")
    assert failed.exit_code == 1 and failed.result.startswith("before\n")
    assert "ZeroDivisionError: division by zero" in failed.result
    with pytest.raises(Exception) as refused:  # The SDK passes on its generated client's error.
        await shared.process.code_run("while True: pass", timeout=1)
    assert refused.value.status == 408


async def test_runs_share_nothing(shared):
    await shared.process.code_run("x = 1")
    assert "NameError" in (await shared.process.code_run("print(x)")).result


@pytest.mark.parametrize("language, code", [
    ("javascript", "const [, ...rest] = process.argv; console.log(rest.join('|'), process.env.C)"),
    ("typescript", "const rest: string[] = process.argv.slice(1); console.log(rest.join('|'), process.env.C)"),
])
async def test_other_languages_run(make, language, code):
    sandbox = await make(CreateSandboxFromSnapshotParams(language=language))
    done = await sandbox.process.code_run(code, params=CodeRunParams(argv=["a", "b"], env={"C": "3"}))
    assert (done.exit_code, done.result) == (0, "a|b 3\n")
    failed = await sandbox.process.code_run("throw new Error('out of paper')")
    assert failed.exit_code == 1 and "out of paper" in failed.result


CHART = """
import matplotlib.pyplot as plt
plt.plot([1, 2, 3], [4, 5, 6], label="rise")
plt.title("A line"); plt.xlabel("time"); plt.ylabel("height")
print("before")
plt.show()
print("after")
"""


async def test_charts_are_given(shared):
    if (await shared.process.exec("python3 -c 'import matplotlib'")).exit_code != 0:
        done = await shared.process.code_run(CHART)
        assert done.exit_code == 1 and "No module named 'matplotlib'" in done.result
        return
    done = await shared.process.code_run(CHART)
    assert (done.exit_code, done.result) == (0, "before\nafter\n"), "the picture is not in the text"
    [chart] = done.artifacts.charts
    assert (chart.type, chart.title, chart.x_label, chart.y_label) == ("line", "A line", "time", "height")
    [line] = chart.elements
    assert line.label == "rise" and [list(point) for point in line.points] == [[1, 4], [2, 5], [3, 6]]
    assert base64.b64decode(chart.png).startswith(b"\x89PNG")
