// SPDX-License-Identifier: MIT
//
// @smithy/node-http-handler, under every client of the AWS SDK for JavaScript
// v3, with { httpAgent }.
'use strict'

const assert = require('node:assert/strict')
const { NodeHttpHandler } = require('@smithy/node-http-handler')
const { test } = require('node:test')

const { withBoth, outcome } = require('../support/both-agents')
const { testClient } = require('../support/client-cases')
const { startOrigin } = require('../support/origin')

async function send (httpAgent, url, { method = 'GET', body, headers = {}, signal, ...options } = {}) {
  const { hostname, port, pathname, searchParams, host } = new URL(url)
  const handler = new NodeHttpHandler({ httpAgent, ...options })
  const { response } = await handler.handle({
    protocol: 'http:',
    hostname,
    port: Number(port) || undefined,
    path: pathname,
    query: Object.fromEntries([...searchParams].map(([name, value]) => [name, value || null])),
    method,
    headers: { host, ...headers },
    body
  }, { abortSignal: signal })
  const chunks = []
  for await (const chunk of response.body) chunks.push(chunk)
  return { status: response.statusCode, body: Buffer.concat(chunks) }
}

async function get (agent, url, options) {
  const { status, body } = await send(agent, url, options)
  return { status, body: String(body) }
}

async function until (condition) {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

testClient({
  get,
  bytes: async (agent, url) => (await send(agent, url)).body,
  json: async (agent, url, value) =>
    JSON.parse((await send(agent, url, { method: 'POST', body: JSON.stringify(value) })).body),
  upload: async (agent, url, body) =>
    JSON.parse((await send(agent, url, { method: 'POST', body })).body),
  timeout: (agent, url) =>
    get(agent, url, { requestTimeout: 40, throwOnRequestTimeout: true, socketTimeout: 60 }),
  cancels: {
    'AbortController.abort()' (agent, url) {
      const controller = new AbortController()
      const promise = get(agent, url, { signal: controller.signal })
      return { promise, cancel: () => controller.abort() }
    }
  },
  follows: false
})

test('socketTimeout, on a new connection and on a reused one', async (t) => {
  const origin = await startOrigin(t)
  const results = await withBoth(origin, { maxSockets: 1 }, async (agent) => [
    await outcome(get(agent, `${origin.url}/never`, { socketTimeout: 40 })),
    await get(agent, `${origin.url}/json`, { socketTimeout: 40 }),
    await outcome(get(agent, `${origin.url}/never`, { socketTimeout: 40 })),
    await outcome(get(agent, `${origin.url}/stuck`, { socketTimeout: 40 }))
  ])
  assert.equal(results[0].error.name, 'TimeoutError')
  assert.equal(results[2].error.name, 'TimeoutError')
})

test('Expect: 100-continue', async (t) => {
  const origin = await startOrigin(t)
  const answer = await withBoth(origin, {}, (agent) => send(agent, `${origin.url}/hash`, {
    method: 'POST', body: Buffer.alloc(100000), headers: { expect: '100-continue' }
  }))
  assert.equal(JSON.parse(answer.body).bytes, 100000)
})

test('it warns of a full agent as of the built-in one', async (t) => {
  const origin = await startOrigin(t)
  const warnings = await withBoth(origin, { maxSockets: 1 }, async (agent) => {
    const warned = []
    const logger = { warn: (text) => warned.push(text) }
    const controller = new AbortController()
    const pending = Array.from({ length: 4 }, () => outcome(
      get(agent, `${origin.url}/never`, { signal: controller.signal })))
    await until(() => Object.values(agent.requests)[0]?.length === 3)
    NodeHttpHandler.checkSocketUsage(agent, 0, logger)
    controller.abort()
    await Promise.all(pending)
    await until(() => Object.keys(agent.requests).length === 0)
    for (const asked of origin.log) delete asked.connection
    return warned
  })
  assert.equal(warnings.length, 1)
  assert.match(warnings[0], /socket usage at capacity=1 and 3 additional requests/)
})
