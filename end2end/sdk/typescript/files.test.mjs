// Files and folders, and files to a sandbox and from it in every form.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { before, beforeEach, test } from 'node:test'
import { all, make, refused, unique } from './support.mjs'

const LARGE = randomBytes(12 << 20)
let sandbox, fs, folder, local
before(async () => {
  sandbox = await make()
  fs = sandbox.fs
  local = await mkdtemp(join(tmpdir(), 'pitlane-sdk-'))
})
beforeEach(async () => {
  folder = `/home/daytona/${unique('folder')}`
  await fs.createFolder(folder, '755')
})

const put = (name, text) => fs.uploadFile(Buffer.from(text), `${folder}/${name}`)
const get = async (name) => (await fs.downloadFile(`${folder}/${name}`)).toString()

test('what is known of files and folders', async () => {
  await put('ä file.txt', 'twelve bytes')
  await put('a/b/c', '')
  const info = await fs.getFileDetails(`${folder}/ä file.txt`)
  assert.deepEqual([info.name, info.size, info.isDir, info.mode], ['ä file.txt', 12, false, '-rw-r--r--'])
  const names = async (options) => (await fs.listFiles(folder, options)).map((entry) => entry.name).sort()
  assert.deepEqual(await names(), ['a', 'ä file.txt'])
  assert.deepEqual(await names({ depth: 3 }), ['a', 'b', 'c', 'ä file.txt'])
  const refusal = await refused(fs.getFileDetails(`${folder}/nothing`), 'DaytonaFileNotFoundError')
  assert.equal(refusal.statusCode, 404)
})

test('text and names are found, and text is replaced', async () => {
  await put('a.txt', 'one\nhello TODO\n')
  await put('sub/b.txt', 'none')
  const found = await fs.findFiles(folder, 'TODO')
  assert.deepEqual(
    found.map(({ file, line, content }) => [file, line, content]),
    [[`${folder}/a.txt`, 2, 'hello TODO']],
  )
  assert.deepEqual((await fs.searchFiles(folder, '*.txt')).files.sort(), [`${folder}/a.txt`, `${folder}/sub/b.txt`])
  const done = await fs.replaceInFiles([`${folder}/a.txt`, `${folder}/no`], 'TODO', 'DONE')
  assert.deepEqual(
    done.map((result) => result.success),
    [true, false],
  )
  assert.equal(await get('a.txt'), 'one\nhello DONE\n')
})

test('permissions, moves and deletes', async () => {
  await put('script', '#!/bin/sh\necho ran')
  await fs.setFilePermissions(`${folder}/script`, { mode: '755', owner: 'daytona', group: 'daytona' })
  assert.equal((await sandbox.process.executeCommand('./script', folder)).result, 'ran\n')
  await fs.moveFiles(`${folder}/script`, `${folder}/moved`)
  await put('other', '')
  await refused(fs.moveFiles(`${folder}/moved`, `${folder}/other`), 'DaytonaConflictError')
  await fs.deleteFile(`${folder}/moved`)
  await refused(fs.deleteFile(folder), 'DaytonaBadRequestError')
  await fs.deleteFile(folder, true)
  await refused(fs.listFiles(folder), 'DaytonaFileNotFoundError')
})

test('bytes and paths', async () => {
  for (const content of [Buffer.alloc(0), Buffer.from('text'), LARGE]) {
    await fs.uploadFile(content, `${folder}/f`)
    assert.ok((await fs.downloadFile(`${folder}/f`)).equals(content))
  }
  await writeFile(join(local, 'up'), LARGE)
  await fs.uploadFile(join(local, 'up'), `${folder}/g`)
  await fs.downloadFile(`${folder}/g`, join(local, 'down'))
  assert.ok((await readFile(join(local, 'down'))).equals(LARGE))
  await refused(fs.downloadFile(`${folder}/nothing`), 'DaytonaFileNotFoundError')
  await refused(fs.uploadFile(Buffer.from('x'), '/usr/bin/ours'))
})

test('several at once', async () => {
  const odd = `${folder}/sub folder/ü "odd" %41.txt`
  await fs.uploadFiles([
    { source: Buffer.from('one'), destination: `${folder}/1` },
    { source: Buffer.from('two'), destination: odd },
  ])
  const answers = await fs.downloadFiles([
    { source: `${folder}/1` },
    { source: odd, destination: join(local, 'odd') },
    { source: `${folder}/nothing` },
  ])
  assert.equal(answers[0].result.toString(), 'one')
  assert.equal((await readFile(join(local, 'odd'))).toString(), 'two')
  assert.equal(answers[2].result, undefined)
  assert.equal(answers[2].errorDetails.statusCode, 404)
})

test('streams', async () => {
  const progress = []
  await fs.uploadFileStream(Readable.from([LARGE.subarray(0, 1 << 20), LARGE.subarray(1 << 20)]), `${folder}/s`, {
    onProgress: ({ bytesSent }) => progress.push(bytesSent),
  })
  assert.equal(progress.at(-1), LARGE.length)
  const received = []
  const stream = await fs.downloadFileStream(`${folder}/s`, { onProgress: (at) => received.push(at) })
  assert.ok(Buffer.concat(await all(stream)).equals(LARGE))
  assert.deepEqual([received.at(-1).bytesReceived, received.at(-1).totalBytes], [LARGE.length, LARGE.length])
})
