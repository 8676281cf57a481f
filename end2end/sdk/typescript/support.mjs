// What the tests share: a client, and sandboxes that go again with it. Where
// the server is comes from the two variables that everyone sets,
// DAYTONA_API_URL and DAYTONA_API_KEY: nothing in here knows that it is ours.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after } from 'node:test'

// The same SDK is published under two names, an older and a newer one.
export const sdk = await import(process.env.DAYTONA_SDK ?? '@daytonaio/sdk')
export const { Daytona } = sdk
export const KEY = process.env.DAYTONA_API_KEY
export const API = process.env.DAYTONA_API_URL

const made = []
export const daytona = new Daytona()

// Makes a sandbox that goes with the file's tests, however they end.
export async function make(params = {}, options) {
  const sandbox = await daytona.create(params, options)
  made.push(sandbox.id)
  return sandbox
}

after(async () => {
  for await (const sandbox of daytona.list()) {
    if (made.includes(sandbox.id)) await sandbox.delete()
  }
  await daytona[Symbol.asyncDispose]()
})

// A name nobody else uses.
export const unique = (word) => `${word}-${randomUUID().slice(0, 13)}`

// Waits until something holds, at most half a minute.
export async function until(what, holds) {
  const deadline = Date.now() + 30_000
  for (;;) {
    const value = await holds()
    if (value) return value
    assert.ok(Date.now() < deadline, `never: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

// Expects a refusal of a class of the SDK, and gives it back.
export async function refused(promise, kind = 'DaytonaError', words = /./) {
  let refusal
  await assert.rejects(
    async () => promise,
    (error) => {
      refusal = error
      assert.ok(error instanceof sdk[kind], `${error?.constructor?.name}: ${error?.message}, not ${kind}`)
      assert.match(error.message, words)
      return true
    },
  )
  return refusal
}

export async function all(iterator) {
  const values = []
  for await (const value of iterator) values.push(value)
  return values
}
