// Terminals, and git.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { make, refused, unique, until } from './support.mjs'

let sandbox
before(async () => {
  sandbox = await make()
})

// A terminal with all it has shown.
async function terminal(open) {
  const seen = { shown: '' }
  const decoder = new TextDecoder()
  seen.handle = await open((data) => {
    seen.shown += decoder.decode(data, { stream: true })
  })
  seen.shows = (text) => until(`${text} is shown, but ${JSON.stringify(seen.shown)}`, () => seen.shown.includes(text))
  return seen
}

test('a shell in a terminal', async () => {
  const id = unique('terminal')
  const options = { id, cwd: '/tmp', envs: { COLOUR: 'red' }, cols: 100, rows: 30 }
  const one = await terminal((onData) => sandbox.process.createPty({ ...options, onData }))
  await one.handle.waitForConnection()
  assert.ok(one.handle.isConnected())
  await one.handle.sendInput('pwd; stty size; echo $COLOUR-$((6*7))\n')
  await one.shows('red-42')
  assert.match(one.shown, /30 100/)
  const info = await one.handle.resize(120, 40)
  assert.deepEqual([info.cols, info.rows], [120, 40])
  await sandbox.process.resizePtySession(id, 121, 41)
  await one.handle.sendInput('stty size\n')
  await one.shows('41 121')
  assert.ok((await sandbox.process.listPtySessions()).some((other) => other.id === id))
  assert.equal((await sandbox.process.getPtySessionInfo(id)).cwd, '/tmp')
  await one.handle.disconnect()
  const two = await terminal((onData) => sandbox.process.connectPty(id, { onData }))
  await two.handle.sendInput('echo =$COLOUR=\n')
  await two.shows('=red=')
  await two.handle.sendInput('exit 3\n')
  const result = await two.handle.wait()
  assert.deepEqual([result.exitCode, result.error], [3, 'non-zero exit'])
  assert.equal(two.handle.exitCode, 3)
})

test('a terminal is killed', async () => {
  const id = unique('terminal')
  const one = await terminal((onData) => sandbox.process.createPty({ id, onData }))
  await one.handle.kill()
  assert.notEqual((await one.handle.wait()).exitCode, 0)
  await refused(sandbox.process.killPtySession(id), 'DaytonaNotFoundError')
})


test('git', async () => {
  const { git, fs } = sandbox
  const who = ['Ann', 'ann@example.com']
  const place = `/home/daytona/${unique('git')}`
  const path = `${place}/own`
  await git.init(path, false, 'main')
  await fs.uploadFile(Buffer.from('one\n'), `${path}/a.txt`)
  await git.add(path, ['.'])
  const { sha } = await git.commit(path, 'First', ...who)
  assert.equal((await git.status(path)).currentBranch, 'main')
  await git.createBranch(path, 'topic')
  await refused(git.createBranch(path, 'topic'), 'DaytonaGitBranchExistsError')
  await git.checkoutBranch(path, 'topic')
  await git.checkoutBranch(path, 'main')
  await git.deleteBranch(path, 'topic')
  assert.deepEqual((await git.branches(path)).branches, ['main'])
  await git.init(`${place}/remote.git`, true, 'main')
  await git.remoteAdd(path, 'origin', `file://${place}/remote.git`)
  assert.equal((await git.remotes(path)).remotes[0].name, 'origin')
  assert.equal(await git.remoteGet(path, 'origin'), `file://${place}/remote.git`)
  await git.push(path, undefined, undefined, 'main', 'origin', true)
  await git.clone(`file://${place}/remote.git`, `${place}/clone`)
  await git.pull(`${place}/clone`)
  await fs.uploadFile(Buffer.from('two\n'), `${path}/a.txt`)
  await git.restore(path, ['a.txt'])
  assert.equal((await fs.downloadFile(`${path}/a.txt`)).toString(), 'one\n')
  await git.commit(path, 'Empty', ...who, true)
  await git.reset(path, 'hard', sha)
  await git.setConfig('core.editor', 'true')
  assert.equal(await git.getConfig('core.editor'), 'true')
  await git.configureUser(...who)
  await git.dangerouslyAuthenticate('ann', 's3cret', 'git.example.com', 'https')
  await refused(git.status(place), 'DaytonaNotFoundError')
})
