// Signed addresses of files: they work without a key.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { make } from './support.mjs'

test('signed addresses', async () => {
  const sandbox = await make()
  const { fs } = sandbox
  await fs.uploadFile(Buffer.from('0123456789'), 'a b.txt')
  const url = await sandbox.downloadUrl('a b.txt', 60)
  assert.equal(await (await fetch(url)).text(), '0123456789')
  assert.equal((await fetch(`${url}x`)).status, 401)
  const form = new FormData()
  form.append('file', new Blob(['posted']), 'f')
  const posted = await fetch(await sandbox.uploadUrl('posted.txt', 60), { method: 'POST', body: form })
  assert.equal(posted.status, 200)
  assert.equal((await fs.downloadFile('posted.txt')).toString(), 'posted')
  await sandbox.rotateSigningKey()
  assert.equal((await fetch(url)).status, 401)
})
