// SPDX-License-Identifier: MIT
//
// Runs something with the Agent under test and with Node's own, against the same
// origin, and asserts that the results and the requests at the origin are equal.
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')

const { Agent } = require('./agent')

// What a user can see of an error, down to its causes.
function describe (err) {
  if (!(err instanceof Error)) return err
  const { name, message, code, errno, syscall, address, port, type, statusCode, cause } = err
  return {
    class: err.constructor.name,
    name,
    message,
    code,
    errno,
    syscall,
    address,
    port,
    type,
    statusCode,
    cause: describe(cause),
    response: Boolean(err.response)
  }
}

// The outcome of a promise as a value.
function outcome (promise) {
  return promise.then((value) => ({ value }), (err) => ({ error: describe(err) }))
}

async function one (origin, agent, run) {
  origin.forget()
  const result = await run(agent, origin)
  agent.destroy()
  await origin.quiet()
  return { result, asked: origin.log }
}

// Returns what run(agent, origin) gave with the Agent under test.
async function withBoth (origin, options, run) {
  const expected = await one(origin, new http.Agent({ keepAlive: true, ...options }), run)
  const actual = await one(origin, new Agent({ keepAlive: true, ...options }), run)
  assert.deepEqual(actual, expected)
  return actual.result
}

module.exports = { withBoth, outcome }
