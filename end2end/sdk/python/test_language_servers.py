"""Language servers: used where the sandbox has one, refused in words where not."""

import pytest
from conftest import unique
from daytona import DaytonaError, DaytonaLspServerNotInitializedError, LspCompletionPosition

CODE = b"""import math

def area(radius):
    return math.pi * radius ** 2

class Shape:
    def name(self):
        return math.

print(area(2))
"""


@pytest.fixture
async def project(shared):
    path = f"/home/daytona/{unique('project')}"
    await shared.fs.upload_file(CODE, f"{path}/shapes.py")
    yield path
    await shared.fs.delete_file(path, recursive=True)


async def test_one_that_was_not_started_says_so(shared, project):
    server = shared.create_lsp_server("python", project)
    for ask in (server.document_symbols(f"{project}/shapes.py"), server.did_open(f"{project}/shapes.py")):
        with pytest.raises(DaytonaLspServerNotInitializedError) as refused:
            await ask
        assert refused.value.status_code == 400


async def test_python(shared, project):
    server = shared.create_lsp_server("python", project)
    if (await shared.process.exec("command -v pylsp")).exit_code != 0:
        with pytest.raises(DaytonaError, match="pylsp"):
            await server.start()
        return
    path = f"{project}/shapes.py"
    await server.start()
    await server.did_open(path)
    symbols = {symbol.name for symbol in await server.document_symbols(path)}
    assert {"area", "Shape", "name"} <= symbols
    offered = await server.completions(path, LspCompletionPosition(line=7, character=20))
    assert "pi" in {item.label.split("(")[0] for item in offered.items}
    for search in (server.workspace_symbols, server.sandbox_symbols):
        assert isinstance(await search("area"), list)
    await server.did_close(path)
    await server.stop()
    with pytest.raises(DaytonaError):
        await server.document_symbols(path)


async def test_typescript(shared, project):
    server = shared.create_lsp_server("typescript", project)
    if (await shared.process.exec("command -v typescript-language-server")).exit_code != 0:
        with pytest.raises(DaytonaError, match="typescript-language-server"):
            await server.start()
        return
    path = f"{project}/area.ts"
    await shared.fs.upload_file(b"export function area(radius: number) { return radius * radius }\n", path)
    await server.start()
    await server.did_open(path)
    assert "area" in {symbol.name for symbol in await server.document_symbols(path)}
    await server.stop()
