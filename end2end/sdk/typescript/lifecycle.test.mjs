// Sandboxes from create to delete, and what can be changed about them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { all, daytona, make, refused, sdk, unique, until } from './support.mjs'

const { SandboxState } = sdk

test('nothing asked for gives the defaults', async () => {
  const sandbox = await make()
  assert.equal(sandbox.state, SandboxState.STARTED)
  assert.deepEqual([sandbox.cpu, sandbox.memory, sandbox.disk, sandbox.gpu], [1, 1, 3, 0])
  assert.deepEqual(
    [sandbox.autoStopInterval, sandbox.autoArchiveInterval, sandbox.autoDeleteInterval],
    [15, 10080, -1],
  )
  assert.deepEqual([sandbox.name, sandbox.user, sandbox.public], [sandbox.id, 'daytona', false])
})

test('what is asked for is given', async () => {
  const name = unique('asked')
  await make({
    name,
    language: 'javascript',
    labels: { team: 'red' },
    envVars: { COLOUR: 'dark red' },
    autoStopInterval: 30,
    autoArchiveInterval: 60,
    autoDeleteInterval: 120,
    public: true,
  })
  const sandbox = await daytona.get(name)
  assert.equal(sandbox.labels.team, 'red')
  assert.deepEqual(
    [sandbox.autoStopInterval, sandbox.autoArchiveInterval, sandbox.autoDeleteInterval, sandbox.public],
    [30, 60, 120, true],
  )
  assert.equal((await sandbox.process.executeCommand('echo "$COLOUR"')).result, 'dark red\n')
  assert.equal((await sandbox.process.codeRun('console.log(1 + 1)')).result, '2\n')
  await refused(daytona.create({ name }), 'DaytonaConflictError', /already exists/)
})

test('what cannot be had is refused', async () => {
  await refused(daytona.create({ snapshot: 'nowhere' }), 'DaytonaBadRequestError', /Snapshot nowhere not found/)
  await refused(daytona.create({ image: 'windows:95' }), 'DaytonaBadRequestError')
  await refused(daytona.get('nobody-has-this-name'), 'DaytonaNotFoundError')
})

test('stop and start keep the home and nothing running', async () => {
  const sandbox = await make()
  await sandbox.fs.uploadFile(Buffer.from('kept'), 'kept.txt')
  await sandbox.process.executeCommand('touch /tmp/passing; (setsid sleep 300 &) >/dev/null 2>&1')
  await sandbox.stop()
  assert.equal(sandbox.state, SandboxState.STOPPED)
  await refused(sandbox.process.executeCommand('true'))
  await sandbox.start()
  assert.equal((await sandbox.fs.downloadFile('kept.txt')).toString(), 'kept')
  assert.equal((await sandbox.process.executeCommand('ls /tmp; pgrep sleep')).result, '')
  await daytona.stop(sandbox)
  await sandbox.waitUntilStopped()
  await daytona.start(sandbox)
  await sandbox.waitUntilStarted()
  await sandbox.refreshData()
  assert.equal(sandbox.state, SandboxState.STARTED)
})

test('delete leaves nothing', async () => {
  const sandbox = await make()
  await daytona.delete(sandbox)
  await refused(daytona.get(sandbox.id), 'DaytonaNotFoundError')
  const waited = await make({ ephemeral: true })
  await waited.delete(60, true)
  const left = await all(daytona.list())
  assert.ok(!left.some((found) => [sandbox.id, waited.id].includes(found.id)))
  const ephemeral = await make({ ephemeral: true })
  await ephemeral.stop()
  await refused(daytona.get(ephemeral.id), 'DaytonaNotFoundError')
})

test('settings', async () => {
  const sandbox = await make()
  await sandbox.setLabels({ k: 'v ü' })
  await sandbox.setAutostopInterval(5)
  await sandbox.setAutoArchiveInterval(6)
  await sandbox.setAutoDeleteInterval(7)
  await sandbox.setTtl(60)
  await sandbox.refreshActivity()
  const seen = await daytona.get(sandbox.id)
  assert.deepEqual(seen.labels, { k: 'v ü' })
  assert.deepEqual([seen.autoStopInterval, seen.autoArchiveInterval, seen.autoDeleteInterval], [5, 6, 7])
  assert.ok(seen.autoDestroyAt)
  await refused(sandbox.setAutostopInterval(-1))
  await refused(sandbox.recover())
})


test('lists have pages, filters and an order', async () => {
  const mark = unique('mark')
  for (let number = 0; number < 3; number++) await make({ name: `${mark}-${number}`, labels: { mark } })
  const names = async (query) => (await all(daytona.list({ labels: { mark }, ...query }))).map((found) => found.name)
  const byName = { sort: sdk.SandboxListSortField.NAME, order: sdk.SandboxListSortDirection.ASC }
  const expected = [0, 1, 2].map((number) => `${mark}-${number}`)
  assert.deepEqual(await names({ limit: 1, ...byName }), expected)
  assert.deepEqual(await names({ name: `${mark}-1` }), [expected[1]])
  assert.deepEqual(await names({ states: [SandboxState.STOPPED] }), [])
  const [listed] = await all(daytona.list({ name: `${mark}-2` }))
  assert.equal((await listed.process.executeCommand('echo here')).result, 'here\n')
})

test('many at once', async () => {
  const sandboxes = await Promise.all(Array.from({ length: 12 }, () => make({ ephemeral: true })))
  const users = await Promise.all(sandboxes.map((sandbox) => sandbox.process.executeCommand('id -u')))
  assert.equal(new Set(users.map((user) => user.result)).size, 12)
  await Promise.all(sandboxes.map((sandbox) => sandbox.delete()))
})

test('waits end with the change', async () => {
  const sandbox = await make()
  const begin = Date.now()
  for (let round = 0; round < 3; round++) {
    await sandbox.stop()
    await sandbox.start()
  }
  assert.ok(Date.now() - begin < 5000, 'no wait is rounded up to whole seconds')
  await until('it is started', () => sandbox.state === SandboxState.STARTED)
})
