// The interpreter.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { make, refused } from './support.mjs'

let sandbox
before(async () => {
  sandbox = await make()
})

test('the interpreter remembers', async () => {
  const { codeInterpreter } = sandbox
  await codeInterpreter.runCode('kept = 7')
  const out = []
  const done = await codeInterpreter.runCode("import sys, os; print(kept, os.environ['A']); print('bad', file=sys.stderr)", {
    onStdout: (message) => out.push(message.output),
    envs: { A: '1' },
  })
  assert.deepEqual([done.stdout, done.stderr, done.error, out.join('')], ['7 1\n', 'bad\n', undefined, '7 1\n'])
  const failed = await codeInterpreter.runCode("raise ValueError('x')")
  assert.deepEqual([failed.error.name, failed.error.value], ['ValueError', 'x'])
  assert.match(failed.error.traceback, /^Traceback/)
  await refused(codeInterpreter.runCode('while True: pass', { timeout: 1 }), 'DaytonaTimeoutError')
  const context = await codeInterpreter.createContext('/tmp')
  assert.equal((await codeInterpreter.runCode('import os; print(os.getcwd())', { context })).stdout, '/tmp\n')
  assert.ok((await codeInterpreter.listContexts()).some((other) => other.id === context.id))
  await codeInterpreter.deleteContext(context)
  await refused(codeInterpreter.runCode('1', { context }))
})
