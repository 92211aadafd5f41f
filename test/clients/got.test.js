// SPDX-License-Identifier: MIT
//
// got with { agent: { http } }. It takes its timings from the socket's events and
// stores them on the socket.
'use strict'

const assert = require('node:assert/strict')
const { test, before } = require('node:test')

const { withBoth, outcome } = require('../support/both-agents')
const { testClient } = require('../support/client-cases')
const { startOrigin } = require('../support/origin')

let got
before(async () => { got = (await import('got')).default })

const once = { retry: { limit: 0 } }

async function get (agent, url, options) {
  const { statusCode, body } = await got(url, { agent: { http: agent }, ...once, ...options })
  return { status: statusCode, body }
}

testClient({
  get,
  bytes: (agent, url) => got(url, { agent: { http: agent }, ...once }).buffer(),
  json: (agent, url, value) =>
    got.post(url, { agent: { http: agent }, ...once, json: value }).json(),
  upload: (agent, url, body) => got.post(url, { agent: { http: agent }, ...once, body }).json(),
  timeout: (agent, url) => get(agent, url, { timeout: { request: 40 } }),
  cancels: {
    'AbortController.abort()' (agent, url) {
      const controller = new AbortController()
      const promise = get(agent, url, { signal: controller.signal })
      return { promise, cancel: () => controller.abort() }
    },
    'promise.cancel()' (agent, url) {
      const promise = got(url, { agent: { http: agent }, ...once })
      return { promise, cancel: () => promise.cancel() }
    },
    'stream.destroy()' (agent, url) {
      const stream = got.stream(url, { agent: { http: agent }, ...once })
      const promise = (async () => { for await (const chunk of stream) assert.ok(chunk) })()
      return { promise, cancel: () => stream.destroy() }
    }
  },
  follows: true,
  gzip: (agent, url) => got(url, { agent: { http: agent }, ...once }).json()
})

test('its timings know a reused connection', async (t) => {
  const origin = await startOrigin(t)
  const url = `http://localhost:${origin.port}/json`
  const seen = await withBoth(origin, {}, async (agent) => {
    const results = []
    for (let i = 0; i < 3; i++) {
      const { timings, ip, request } = await got(url, { agent: { http: agent }, ...once })
      for (const name of ['start', 'socket', 'lookup', 'connect', 'upload', 'response', 'end']) {
        assert.equal(typeof timings[name], 'number', name)
      }
      for (const name of ['wait', 'dns', 'tcp', 'request', 'firstByte', 'download', 'total']) {
        assert.ok(timings.phases[name] >= 0, name)
      }
      if (i > 0) assert.equal(timings.connect, timings.socket)
      results.push({ ip, reused: request.reusedSocket })
    }
    return results
  })
  assert.deepEqual(seen.map(({ reused }) => reused), [false, true, true])
})

for (const [name, path] of [
  ['response', 'never'], ['socket', 'never'], ['read', 'stuck'], ['socket', 'stuck']
]) {
  test(`timeout.${name} at /${path}`, async (t) => {
    const origin = await startOrigin(t)
    const results = await withBoth(origin, { maxSockets: 1 }, async (agent) => [
      await get(agent, `${origin.url}/json`),
      await outcome(get(agent, `${origin.url}/${path}`, { timeout: { [name]: 40 } })),
      await get(agent, `${origin.url}/json`, { timeout: { [name]: 40 } })
    ])
    assert.equal(results[1].error.code, 'ETIMEDOUT')
  })
}

test('it retries on a connection that was reset, and gets its answer', async (t) => {
  const origin = await startOrigin(t)
  const results = await withBoth(origin, {}, async (agent) => {
    origin.once('hash', (req) => req.socket.resetAndDestroy())
    const { body, retryCount } = await got(`${origin.url}/hash`, {
      agent: { http: agent },
      retry: { limit: 2, calculateDelay: ({ computedValue }) => computedValue && 1 }
    })
    return { body: JSON.parse(body), retryCount }
  })
  assert.equal(results.retryCount, 1)
  assert.equal(results.body.bytes, 0)
})

test('upload and download progress', async (t) => {
  const origin = await startOrigin(t)
  await withBoth(origin, {}, async (agent) => {
    const promise = got.post(`${origin.url}/hash`, { agent: { http: agent }, body: Buffer.alloc(1e6) })
    const uploads = []
    const downloads = []
    promise.on('uploadProgress', ({ percent }) => uploads.push(percent))
    promise.on('downloadProgress', ({ percent }) => downloads.push(percent))
    await promise
    return { first: uploads[0], last: uploads.at(-1), downloads: downloads.at(-1) }
  })
})
