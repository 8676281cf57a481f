// That no method of the SDK was forgotten.

import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { daytona, make, sdk } from './support.mjs'

// Public in JavaScript, private in TypeScript: what the SDK calls by itself.
const INSIDE = new Set([
  'constructor', 'ensureToolboxProxyUrl', 'buildAnalyticsTelemetryApi', 'waitForSnapshotComplete',
  'waitForResizeComplete', 'subscribeToEvents', 'ensureSubscribed', 'handleEvent', 'waitForState',
  'processSandboxDto', 'refreshDataSafe', 'applyState', 'checkStateWaiter', 'removeStateWaiter',
  'ensureSigningKey', 'makeFilePayload', 'execRequestOptions', 'resolveConnection', 'rejectConnection',
  'resolveExit', 'setupWebSocketHandlers', 'extractMessageText', 'normalizeCloseEvent', 'createCloseError',
  'getUserRootDir', 'error', 'callWithResolvedId',
])

test('every method is called somewhere', async () => {
  const folder = new URL('.', import.meta.url)
  const names = (await readdir(folder)).filter((name) => name.endsWith('.mjs'))
  const text = (await Promise.all(names.map((name) => readFile(new URL(name, folder), 'utf8')))).join('')
  const sandbox = await make({ ephemeral: true })
  const objects = [
    sdk.Daytona.prototype, sdk.PtyHandle.prototype, sandbox, sandbox.process, sandbox.fs, sandbox.git,
    sandbox.codeInterpreter, daytona.volume, daytona.snapshot, daytona.secret, daytona.warmPool,
    await sandbox.createLspServer('python', '/tmp'),
  ]
  const forgotten = objects.flatMap((object) => {
    const prototype = Object.hasOwn(object, 'constructor') ? object : Object.getPrototypeOf(object)
    const methods = Object.getOwnPropertyNames(prototype).filter((name) => !name.startsWith('_') && !INSIDE.has(name))
    assert.ok(methods.length > 0)
    return methods.filter((name) => !text.includes(`.${name}(`) && !new RegExp(`\\.${name}\\b`).test(text))
  })
  assert.deepEqual(forgotten, [])
})
