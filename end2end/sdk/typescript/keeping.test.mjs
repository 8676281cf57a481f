// What outlives a sandbox, and what is seen of it from outside.

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { daytona, make, refused, sdk, unique, until } from './support.mjs'

const { Image, SandboxState } = sdk

test('an archived sandbox comes back', async () => {
  const sandbox = await make()
  await sandbox.process.executeCommand('echo kept > file')
  await sandbox.stop()
  await sandbox.archive()
  await until('it is archived', async () => (await daytona.get(sandbox.id)).state === SandboxState.ARCHIVED)
  await sandbox.start()
  assert.equal((await sandbox.process.executeCommand('cat file')).result, 'kept\n')
})

test('snapshots and forks', async () => {
  const sandbox = await make()
  const name = unique('snapshot')
  await sandbox.process.executeCommand('echo copied > file')
  await sandbox.createSnapshot(name)
  const copy = await make({ snapshot: name })
  assert.equal((await copy.process.executeCommand('cat file')).result, 'copied\n')
  const fork = await sandbox.fork({ name: unique('fork') })
  assert.equal((await fork.process.executeCommand('cat file')).result, 'copied\n')
  await fork.delete()
  const other = await daytona.fork(sandbox, { name: unique('fork') })
  await other.delete()
  assert.ok((await daytona.snapshot.list({ limit: 200 })).items.some((found) => found.name === name))
  await daytona.snapshot.delete(await daytona.snapshot.get(name))
  await refused(daytona.snapshot.get(name), 'DaytonaNotFoundError')
  const made = await daytona.snapshot.create({ name, image: 'daytona-small', resources: { cpu: 2, memory: 2, disk: 4 } })
  assert.deepEqual([made.state, made.cpu], ['active', 2])
  assert.equal((await daytona.snapshot.activate(made)).state, 'active')
  await daytona.snapshot.delete(made)
})

test('images', async () => {
  const image = Image.base('daytona-small').env({ COLOUR: 'dark red' }).workdir('/home/daytona/project')
  const sandbox = await make({ image, resources: { cpu: 2, memory: 2, disk: 5 }, language: 'python' })
  assert.deepEqual([sandbox.cpu, sandbox.memory, sandbox.disk], [2, 2, 5])
  const done = await sandbox.process.executeCommand('echo $COLOUR; pwd')
  assert.equal(done.result, 'dark red\n/home/daytona/project\n')
})

test('volumes', async () => {
  const volume = await daytona.volume.get(unique('volume'), true)
  await until('it is ready', async () => (await daytona.volume.get(volume.name)).state === 'ready')
  await refused(daytona.volume.create(volume.name), 'DaytonaConflictError')
  const volumes = [{ volumeId: volume.id, mountPath: '/home/daytona/shared' }]
  const one = await make({ volumes, ephemeral: true })
  const two = await make({ volumes, ephemeral: true })
  await one.process.executeCommand('echo from-one > shared/file')
  assert.equal((await two.process.executeCommand('cat shared/file')).result, 'from-one\n')
  await refused(daytona.volume.delete(volume), 'DaytonaConflictError')
  await one.delete()
  await two.delete()
  await daytona.volume.delete(volume)
  assert.ok(!(await daytona.volume.list()).some((found) => found.name === volume.name))
})

test('secrets', async () => {
  const name = unique('SECRET').replaceAll('-', '_')
  const secret = await daytona.secret.create({ name, value: 'hidden', hosts: ['api.example.com'] })
  assert.ok(!JSON.stringify(secret).includes('hidden'))
  assert.equal((await daytona.secret.get(secret.id)).name, name)
  await daytona.secret.update(secret.id, { description: 'a key' })
  assert.equal((await daytona.secret.list({ name })).items[0].description, 'a key')
  const sandbox = await make({ secrets: { TOKEN: name } })
  // The cloud puts the placeholder there and its proxy the value into requests; here it is the value.
  const seen = (await sandbox.process.executeCommand('echo $TOKEN')).result
  assert.ok(['hidden\n', `${secret.placeholder}\n`].includes(seen), seen)
  await sandbox.updateSecrets({})
  await daytona.secret.delete(secret.id)
  await refused(daytona.secret.get(secret.id), 'DaytonaNotFoundError')
})

// Asks as a browser does, which knows that all names below localhost are this machine.
function visit(address, headers = {}) {
  const url = new URL(address)
  const host = url.hostname.endsWith('localhost') ? '127.0.0.1' : url.hostname
  return new Promise((resolve, reject) => {
    const asked = request(
      { host, port: url.port, path: url.pathname + url.search, headers: { Host: url.host, ...headers } },
      async (answer) => {
        let text = ''
        for await (const piece of answer) text += piece
        resolve([answer.statusCode, text])
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}

test('previews', async () => {
  const sandbox = await make()
  await sandbox.fs.uploadFile(Buffer.from('served'), 'index.html')
  await sandbox.process.createSession('server')
  await sandbox.process.executeSessionCommand('server', { command: 'python3 -m http.server 3000', runAsync: true })
  const link = await sandbox.getPreviewLink(3000)
  const token = { 'x-daytona-preview-token': link.token }
  await until('it is served', async () => (await visit(link.url, token))[1] === 'served')
  assert.notEqual((await visit(link.url))[0], 200)
  const signed = await sandbox.getSignedPreviewUrl(3000, 120)
  assert.deepEqual(await visit(signed.url), [200, 'served'])
  await sandbox.expireSignedPreviewUrl(3000, signed.token)
  assert.notEqual((await visit(signed.url))[0], 200)
})
