"""Git, with a repository in the sandbox as the remote one."""

import pytest
from conftest import unique
from daytona import (
    DaytonaError,
    DaytonaGitBranchExistsError,
    DaytonaGitBranchNotFoundError,
    DaytonaGitPushRejectedError,
    DaytonaNotFoundError,
)

WHO = ("Ann Ö", "ann@example.com")


@pytest.fixture
async def place(shared):
    folder = f"/home/daytona/{unique('git')}"
    await shared.fs.create_folder(folder, "755")
    yield folder
    await shared.fs.delete_file(folder, recursive=True)


@pytest.fixture
async def repository(shared, place):
    """A repository with one commit on main."""
    path = f"{place}/own"
    await shared.git.init(path, initial_branch="main")
    await shared.fs.upload_file(b"one\n", f"{path}/a.txt")
    await shared.git.add(path, ["."])
    await shared.git.commit(path, "First", *WHO)
    return path


@pytest.fixture
async def remote(shared, place, repository):
    """A bare copy of it."""
    path = f"{place}/remote.git"
    await shared.process.exec(f"git clone -q --bare {repository} {path}")
    return f"file://{path}"


async def git(sandbox, path, command):
    done = await sandbox.process.exec(f"git {command}", cwd=path)
    assert done.exit_code == 0, done.result
    return done.result.strip()


async def test_commits(shared, repository):
    await shared.fs.upload_file(b"two\n", f"{repository}/b.txt")
    status = await shared.git.status(repository)
    assert status.current_branch == "main"
    assert [(file.name, file.staging, file.worktree) for file in status.file_status] == [
        ("b.txt", "Untracked", "Untracked")]
    await shared.git.add(repository, ["b.txt"])
    [file] = (await shared.git.status(repository)).file_status
    assert file.staging == "Added"
    done = await shared.git.commit(repository, "Second ü", *WHO)
    assert await git(shared, repository, "log -1 --format='%H|%an|%ae|%s'") == f"{done.sha}|Ann Ö|ann@example.com|Second ü"
    assert (await shared.git.status(repository)).file_status == []
    with pytest.raises(DaytonaError):
        await shared.git.commit(repository, "Nothing", *WHO)
    empty = await shared.git.commit(repository, "Empty", *WHO, allow_empty=True)
    assert await git(shared, repository, "rev-parse HEAD") == empty.sha


async def test_branches(shared, repository):
    await shared.git.create_branch(repository, "topic")
    with pytest.raises(DaytonaGitBranchExistsError):
        await shared.git.create_branch(repository, "topic")
    assert sorted((await shared.git.branches(repository)).branches) == ["main", "topic"]
    await shared.git.checkout_branch(repository, "topic")
    assert (await shared.git.status(repository)).current_branch == "topic"
    await shared.git.checkout_branch(repository, "main")
    await shared.git.delete_branch(repository, "topic")
    assert (await shared.git.branches(repository)).branches == ["main"]
    with pytest.raises(DaytonaGitBranchNotFoundError):
        await shared.git.checkout_branch(repository, "nowhere")


async def test_clone_push_and_pull(shared, place, repository, remote):
    clones = [f"{place}/first", f"{place}/second"]
    for clone in clones:
        await shared.git.clone(remote, clone)
    first, second = clones
    await shared.fs.upload_file(b"new\n", f"{first}/new.txt")
    await shared.git.add(first, ["new.txt"])
    sent = await shared.git.commit(first, "New", *WHO)
    assert (await shared.git.status(first)).ahead == 1
    await shared.git.push(first)
    assert (await shared.git.status(first)).ahead in (0, None)
    await shared.git.pull(second)
    assert await shared.fs.download_file(f"{second}/new.txt") == b"new\n"
    assert await git(shared, second, "rev-parse HEAD") == sent.sha
    await shared.git.commit(second, "Ahead", *WHO, allow_empty=True)
    await shared.git.push(second)
    await shared.git.commit(first, "Apart", *WHO, allow_empty=True)
    with pytest.raises(DaytonaGitPushRejectedError):
        await shared.git.push(first)


async def test_clones_of_a_branch_a_commit_and_a_depth(shared, place, repository, remote):
    first = await git(shared, repository, "rev-parse HEAD")
    await shared.git.create_branch(repository, "topic")
    await shared.git.checkout_branch(repository, "topic")
    second = (await shared.git.commit(repository, "Topic", *WHO, allow_empty=True)).sha
    await shared.git.remote_add(repository, "origin", remote)
    await shared.git.push(repository, branch="topic", remote="origin", set_upstream=True)
    await shared.git.clone(remote, f"{place}/branch", branch="topic")
    assert await git(shared, f"{place}/branch", "rev-parse HEAD") == second
    await shared.git.clone(remote, f"{place}/commit", commit_id=first)
    assert await git(shared, f"{place}/commit", "rev-parse HEAD") == first
    await shared.git.clone(remote, f"{place}/depth", branch="topic", depth=1)
    assert await git(shared, f"{place}/depth", "rev-list --count HEAD") == "1"


async def test_remotes(shared, place, repository, remote):
    await shared.git.remote_add(repository, "origin", remote)
    assert [(found.name, found.url) for found in (await shared.git.remotes(repository)).remotes] == [("origin", remote)]
    assert await shared.git.remote_get(repository, "origin") == remote
    assert await shared.git.remote_get(repository, "nothing") is None
    with pytest.raises(DaytonaError):
        await shared.git.remote_add(repository, "origin", "file:///elsewhere")
    await shared.git.remote_add(repository, "origin", "file:///elsewhere", overwrite=True)
    assert await shared.git.remote_get(repository, "origin") == "file:///elsewhere"


async def test_reset_and_restore(shared, repository):
    first = await git(shared, repository, "rev-parse HEAD")
    await shared.git.commit(repository, "Second", *WHO, allow_empty=True)
    await shared.git.reset(repository, mode="hard", target=first)
    assert await git(shared, repository, "rev-parse HEAD") == first
    await shared.fs.upload_file(b"changed\n", f"{repository}/a.txt")
    await shared.git.add(repository, ["a.txt"])
    await shared.git.restore(repository, ["a.txt"], staged=True)
    [file] = (await shared.git.status(repository)).file_status
    assert file.worktree == "Modified" and file.staging != "Modified"
    await shared.git.restore(repository, ["a.txt"])
    assert await shared.fs.download_file(f"{repository}/a.txt") == b"one\n"


async def test_configuration(sandbox):
    await sandbox.git.init("/home/daytona/r")
    await sandbox.git.set_config("core.editor", "true")
    await sandbox.git.set_config("pitlane.here", "yes", scope="local", path="/home/daytona/r")
    assert await sandbox.git.get_config("core.editor") == "true"
    assert await sandbox.git.get_config("pitlane.here", scope="local", path="/home/daytona/r") == "yes"
    assert await sandbox.git.get_config("no.such") is None
    await sandbox.git.configure_user(*WHO)
    assert (await sandbox.process.exec("git config user.name; git config user.email")).result == "Ann Ö\nann@example.com\n"
    await sandbox.git.dangerously_authenticate("ann", "s3cret", host="git.example.com", protocol="https")
    filled = await sandbox.process.exec("printf 'protocol=https\\nhost=git.example.com\\n\\n' | git credential fill")
    assert "username=ann" in filled.result and "password=s3cret" in filled.result


async def test_what_is_no_repository(shared, place):
    for ask in (shared.git.status(place), shared.git.branches(place)):
        with pytest.raises(DaytonaNotFoundError):
            await ask
    with pytest.raises(DaytonaError):
        await shared.git.clone(f"file://{place}/nothing", f"{place}/clone")
