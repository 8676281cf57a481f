// Commands, programs, sessions and their logs.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { make, refused, unique, until } from './support.mjs'

let sandbox
before(async () => {
  sandbox = await make()
})

async function session() {
  const name = unique('session')
  await sandbox.process.createSession(name)
  return name
}

async function followed(name, command) {
  const log = { out: '', err: '' }
  await sandbox.process.getSessionCommandLogs(
    name,
    command,
    (text) => (log.out += text),
    (text) => (log.err += text),
  )
  return log
}

test('a command gives its code and output', async () => {
  const done = await sandbox.process.executeCommand('echo hi; echo err >&2; pwd; echo "$A"; exit 3', '/tmp', { A: '1 2' })
  assert.deepEqual([done.exitCode, done.result], [3, 'hi\nerr\n/tmp\n1 2\n'])
  const refusal = await refused(
    sandbox.process.executeCommand('sleep 300', undefined, undefined, 1),
    'DaytonaProcessExecutionTimeoutError',
  )
  assert.equal(refusal.statusCode, 408)
})

test('programs of three languages run', async () => {
  const params = { argv: ['a', 'b c'], env: { B: '2' } }
  const python = await sandbox.process.codeRun("import sys, os\nprint(sys.argv[1:], os.environ['B'])", params)
  assert.deepEqual([python.exitCode, python.result], [0, "['a', 'b c'] 2\n"])
  for (const [language, code] of [
    ['javascript', "console.log(process.argv.slice(1).join('|'), process.env.B)"],
    ['typescript', "const all: string[] = process.argv.slice(1); console.log(all.join('|'), process.env.B)"],
  ]) {
    const other = await make({ language, ephemeral: true })
    const done = await other.process.codeRun(code, params)
    assert.deepEqual([done.exitCode, done.result], [0, 'a|b c 2\n'], language)
  }
  const failed = await sandbox.process.codeRun('1/0')
  assert.equal(failed.exitCode, 1)
  assert.match(failed.result, /ZeroDivisionError/)
})

test('a session remembers', async () => {
  const name = await session()
  await sandbox.process.executeSessionCommand(name, { command: 'cd /tmp; export COLOUR=red' })
  const done = await sandbox.process.executeSessionCommand(name, { command: 'pwd; echo $COLOUR; echo err >&2; (exit 2)' })
  assert.deepEqual([done.exitCode, done.stdout, done.stderr], [2, '/tmp\nred\n', 'err\n'])
  const found = await sandbox.process.getSession(name)
  assert.deepEqual(
    found.commands.map((command) => command.exitCode),
    [0, 2],
  )
  assert.equal((await sandbox.process.getSessionCommand(name, done.cmdId)).exitCode, 2)
  const logs = await sandbox.process.getSessionCommandLogs(name, done.cmdId)
  assert.deepEqual([logs.stdout, logs.stderr], ['/tmp\nred\n', 'err\n'])
  assert.ok((await sandbox.process.listSessions()).some((other) => other.sessionId === name))
  await refused(sandbox.process.createSession(name), 'DaytonaConflictError')
  await sandbox.process.deleteSession(name)
  await refused(sandbox.process.getSession(name), 'DaytonaNotFoundError')
})

test('a log is followed while it is written', async () => {
  const name = await session()
  const command = "echo one; echo two >&2; sleep 5; echo 'three ü'"
  const { cmdId } = await sandbox.process.executeSessionCommand(name, { command, runAsync: true })
  let first
  const log = { out: '', err: '' }
  await sandbox.process.getSessionCommandLogs(
    name,
    cmdId,
    (text) => ((first ??= Date.now()), (log.out += text)),
    (text) => (log.err += text),
  )
  assert.deepEqual(log, { out: 'one\nthree ü\n', err: 'two\n' })
  assert.ok(Date.now() - first > 700, 'the first line did not wait for the last')
  assert.equal((await sandbox.process.getSessionCommand(name, cmdId)).exitCode, 0)
  assert.deepEqual(await followed(name, cmdId), log)
})

test('a large log comes whole', async () => {
  const name = await session()
  const { cmdId } = await sandbox.process.executeSessionCommand(name, { command: 'seq 1 300000', runAsync: true })
  const expected = Array.from({ length: 300_000 }, (_, index) => `${index + 1}\n`).join('')
  assert.equal((await followed(name, cmdId)).out, expected)
  assert.equal((await sandbox.process.getSessionCommandLogs(name, cmdId)).stdout, expected)
})

test('input reaches a command', async () => {
  const name = await session()
  const request = { command: 'read line; echo got $line', runAsync: true, suppressInputEcho: true }
  const { cmdId } = await sandbox.process.executeSessionCommand(name, request)
  await sandbox.process.sendSessionCommandInput(name, cmdId, 'hello')
  assert.equal((await followed(name, cmdId)).out, 'got hello\n')
  await refused(sandbox.process.sendSessionCommandInput(name, cmdId, 'late'), 'DaytonaCommandAlreadyCompletedError')
})

test('the entrypoint', async () => {
  assert.equal((await sandbox.process.getEntrypointSession()).sessionId, 'entrypoint')
  const logs = await sandbox.process.getEntrypointLogs()
  let out = ''
  await sandbox.process.getEntrypointLogs(
    (text) => (out += text),
    () => {},
  )
  assert.equal(out, logs.stdout ?? '')
})

test('what a sandbox uses, and where it is', async () => {
  const now = await sandbox.getMetricsLatest()
  assert.equal(now.memTotal, 2 ** 30)
  assert.ok(now.memUsed > 0 && now.diskTotal > now.diskUsed)
  assert.equal(await sandbox.getUserHomeDir(), '/home/daytona')
  assert.equal(await sandbox.getWorkDir(), '/home/daytona')
  const past = await sandbox.getMetrics(new Date(Date.now() - 3_600_000)).catch((error) => error)
  assert.ok(Array.isArray(past) || [404, 501].includes(past.statusCode), String(past))
  await until('it answers', async () => (await sandbox.process.executeCommand('true')).exitCode === 0)
})
