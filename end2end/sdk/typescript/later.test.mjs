// Warm pools, SSH and language servers.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { daytona, make, refused, unique, until } from './support.mjs'

test('warm pools', async () => {
  const pool = await daytona.warmPool.create({ snapshot: 'daytona-medium', pool: 1 })
  const size = async () => (await daytona.warmPool.list()).find((found) => found.id === pool.id).currentSize
  await until('it is filled', async () => (await size()) === 1)
  assert.equal((await daytona.warmPool.update(pool.id, { pool: 2 })).pool, 2)
  await daytona.warmPool.delete(pool.id)
  assert.ok(!(await daytona.warmPool.list()).some((found) => found.id === pool.id))
})

test('SSH', async () => {
  const sandbox = await make()
  const access = await sandbox.createSshAccess(10)
  assert.ok(access.sshCommand.includes(access.token))
  assert.equal((await sandbox.validateSshAccess(access.token)).valid, true)
  await sandbox.revokeSshAccess(access.token)
  assert.equal((await sandbox.validateSshAccess(access.token)).valid, false)
})

test('language servers', async () => {
  const sandbox = await make()
  const path = `/home/daytona/${unique('project')}`
  await sandbox.fs.uploadFile(Buffer.from('def area(radius):\n    return radius\n'), `${path}/a.py`)
  const server = await sandbox.createLspServer('python', path)
  await refused(server.documentSymbols(`${path}/a.py`), 'DaytonaLspServerNotInitializedError')
  if ((await sandbox.process.executeCommand('command -v pylsp')).exitCode !== 0) {
    await refused(server.start(), 'DaytonaError', /pylsp/)
    return
  }
  await server.start()
  await server.didOpen(`${path}/a.py`)
  assert.ok((await server.documentSymbols(`${path}/a.py`)).some((symbol) => symbol.name === 'area'))
  assert.ok(Array.isArray(await server.workspaceSymbols('area')))
  assert.ok(Array.isArray(await server.sandboxSymbols('area')))
  assert.ok((await server.completions(`${path}/a.py`, { line: 1, character: 14 })).items.length > 0)
  await server.didClose(`${path}/a.py`)
  await server.stop()
})
