// Changes that a sandbox itself takes on.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { daytona, make, refused } from './support.mjs'

test('environment and network', async () => {
  const sandbox = await make()
  await sandbox.updateEnv({ FIRST: '1', SECOND: '2' })
  assert.equal((await sandbox.process.executeCommand('echo $FIRST$SECOND')).result, '12\n')
  await sandbox.updateNetworkSettings({ networkBlockAll: true })
  assert.equal((await daytona.get(sandbox.id)).networkBlockAll, true)
})

test('size and pause', async () => {
  const sandbox = await make()
  await sandbox.resize({ cpu: 2, memory: 2 })
  const seen = await daytona.get(sandbox.id)
  assert.deepEqual([seen.cpu, seen.memory], [2, 2])
  await refused(sandbox.resize({ cpu: 1 }))
  await sandbox.pause()
  assert.equal((await daytona.get(sandbox.id)).state, 'paused')
  await sandbox.start()
  await sandbox.setAutostopInterval(0)
  await sandbox.setAutoPauseInterval(5)
})
