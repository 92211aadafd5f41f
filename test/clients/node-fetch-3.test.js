// SPDX-License-Identifier: MIT
//
// node-fetch 3 with { agent }. It listens to the bytes on the socket, to find the last
// chunk of a chunked response there.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { test, before } = require('node:test')

const { withBoth, outcome } = require('../support/both-agents')
const { testClient } = require('../support/client-cases')
const { startOrigin } = require('../support/origin')

let fetch
before(async () => { fetch = (await import('node-fetch-3')).default })

async function get (agent, url, options) {
  const res = await fetch(url, { agent, ...options })
  return { status: res.status, body: await res.text() }
}

async function post (agent, url, body, headers) {
  return (await fetch(url, { agent, method: 'POST', body, headers })).json()
}

testClient({
  get,
  bytes: async (agent, url) => Buffer.from(await (await fetch(url, { agent })).arrayBuffer()),
  json: (agent, url, value) =>
    post(agent, url, JSON.stringify(value), { 'Content-Type': 'application/json' }),
  upload: post,
  timeout: (agent, url) => get(agent, url, { signal: AbortSignal.timeout(40) }),
  cancels: {
    'AbortController.abort()' (agent, url) {
      const controller = new AbortController()
      const promise = get(agent, url, { signal: controller.signal })
      return { promise, cancel: () => controller.abort() }
    }
  },
  follows: true,
  gzip: async (agent, url) => (await fetch(url, { agent })).json()
})

// The ways in which the last chunk can arrive.
for (const [way, pieces] of [
  ['in one piece', ['5\r\nhello\r\n0\r\n\r\n']],
  ['by itself', ['5\r\nhello\r\n', '0\r\n\r\n']],
  ['in two pieces', ['5\r\nhello\r\n0\r\n', '\r\n']]
]) {
  test(`a chunked response that closes, read late, its last chunk ${way}`, async (t) => {
    const origin = await startOrigin(t)
    const result = await withBoth(origin, {}, async (agent) => {
      const asked = once(origin, 'never')
      const answer = fetch(`${origin.url}/never`, { agent })
      const [{ socket }] = await asked
      const closed = once(socket, 'close')
      socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n')
      const res = await answer
      for (const piece of pieces) {
        socket.write(piece)
        await new Promise((resolve) => setImmediate(setImmediate, resolve))
      }
      socket.end()
      await closed
      return outcome(res.text())
    })
    assert.deepEqual(result, { value: 'hello' })
  })
}
