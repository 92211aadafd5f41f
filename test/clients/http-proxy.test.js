// SPDX-License-Identifier: MIT
//
// http-proxy with { agent }: a proxy before the origin whose connections to the
// origin are the Agent's. A plain client talks to the proxy.
'use strict'

const assert = require('node:assert/strict')
const { createHash, randomBytes } = require('node:crypto')
const { once } = require('node:events')
const http = require('node:http')
const httpProxy = require('http-proxy')
const { test } = require('node:test')
const { WebSocket, WebSocketServer } = require('ws')

const { Agent } = require('../support/agent')
const { withBoth } = require('../support/both-agents')
const { closedPort } = require('../support/closed-port')
const { startOrigin, HELD } = require('../support/origin')
const { request } = require('../support/request')
const { start } = require('../support/servers')

// The port of a proxy for url. Its response to an error has the error as body.
function startProxy (t, agent, target, options) {
  const proxy = httpProxy.createProxyServer({ target, agent, ...options })
  proxy.on('error', (err, req, res) => {
    res.statusCode = 502
    res.end(`${err.code}: ${err.message}`)
  })
  const server = http.createServer((req, res) => proxy.web(req, res))
  server.on('upgrade', (req, socket, head) => proxy.ws(req, socket, head))
  return start(t, server)
}

async function ask (port, path, options, body) {
  const { res, body: answer } = await request({ port, path, ...options }, body)
  return { status: res.statusCode, body: String(answer) }
}

test('JSON, statuses, redirects and errors pass as with the built-in Agent', async (t) => {
  const origin = await startOrigin(t)
  const refused = `http://127.0.0.1:${await closedPort(t)}`
  const host = 'origin' // the proxy's own port differs each time
  const results = await withBoth(origin, {}, async (agent) => {
    const port = await startProxy(t, agent, origin.url)
    const nowhere = await startProxy(t, agent, refused)
    const all = []
    const headers = { host }
    all.push(await ask(port, '/json', { method: 'POST', headers }, JSON.stringify({ a: [1, 'ü'] })))
    for (const path of ['/status?code=404', '/none', '/redirect?to=/json', '/close', '/hangup', '/reset', '/garbage', '/json']) {
      all.push(await ask(port, path, { headers }))
    }
    all.push(await ask(nowhere, '/', { headers }))
    return all
  })
  assert.deepEqual(results.map(({ status }) => status),
    [200, 404, 204, 302, 200, 502, 502, 502, 200, 502])
  assert.match(results.at(-1).body, /^ECONNREFUSED: /)
})

test('a response that is cut off is cut off for the client too', async (t) => {
  const origin = await startOrigin(t)
  for (const path of ['/cutchunked', '/cutlength']) {
    await withBoth(origin, {}, async (agent) => {
      const port = await startProxy(t, agent, origin.url)
      const req = http.get({ host: '127.0.0.1', port, path, headers: { host: 'origin' } })
      const [res] = await once(req, 'response')
      let text = ''
      res.on('data', (chunk) => {
        text += chunk
        if (text === 'begun') origin.server.closeAllConnections()
      })
      req.on('error', () => {})
      // http-proxy pipes, and a pipe does not forward an error: the client
      // gives up.
      await until(() => origin.open.size === 0 && text === 'begun')
      req.destroy()
      return text
    })
  }
})

async function until (condition) {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

test('5 MB up and down through the proxy', async (t) => {
  const origin = await startOrigin(t)
  const body = randomBytes(5 * 1024 * 1024)
  const sha256 = createHash('sha256').update(body).digest('hex')
  await withBoth(origin, {}, async (agent) => {
    const port = await startProxy(t, agent, origin.url)
    const headers = { host: 'origin' }
    const { body: answer } = await ask(port, '/hash', { method: 'POST', headers }, body)
    assert.equal(JSON.parse(answer).sha256, sha256)
    const { body: large } = await request({ port, path: '/large', headers })
    return createHash('sha256').update(large).digest('hex')
  })
})

test('proxyTimeout ends a request that gets no answer', async (t) => {
  const origin = await startOrigin(t)
  const result = await withBoth(origin, { maxSockets: 1 }, async (agent) => {
    const port = await startProxy(t, agent, origin.url, { proxyTimeout: 40 })
    const headers = { host: 'origin' }
    return [await ask(port, '/never', { headers }), await ask(port, '/json', { headers })]
  })
  assert.equal(result[0].status, 502)
  assert.equal(result[1].status, 200)
})

test('a client that goes away in its upload takes the request to the origin with it', async (t) => {
  const origin = await startOrigin(t)
  await withBoth(origin, { maxSockets: 1 }, async (agent) => {
    const port = await startProxy(t, agent, origin.url)
    const headers = { host: 'origin' }
    const asked = once(origin, 'hash')
    const req = http.request({ host: '127.0.0.1', port, path: '/hash', method: 'POST', headers })
    const failed = new Promise((resolve) => req.on('error', resolve))
    req.write('begun')
    const [{ socket }] = await asked
    const gone = once(socket, 'close')
    req.destroy(new Error('no longer needed'))
    await Promise.all([failed, gone])
    return ask(port, '/json', { headers })
  })
})

test('200 requests at once share 10 connections to the origin', async (t) => {
  const origin = await startOrigin(t)
  const agent = new Agent({ maxSockets: HELD })
  t.after(() => agent.destroy())
  const port = await startProxy(t, agent, origin.url)
  const answers = await Promise.all(Array.from({ length: 200 }, () => ask(port, '/held', {})))
  assert.ok(answers.every(({ status, body }) => status === 200 && body === '{"held":true}'))
  assert.equal(origin.mostOpen, HELD)
  assert.deepEqual([...origin.served.values()], Array(HELD).fill(200 / HELD))
})

test('a WebSocket through the proxy', async (t) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  t.after(() => server.close())
  await once(server, 'listening')
  server.on('connection', (socket) => socket.on('message', (data) => socket.send(data)))
  const agent = new Agent()
  t.after(() => agent.destroy())
  const port = await startProxy(t, agent, `http://127.0.0.1:${server.address().port}`)
  const client = new WebSocket(`ws://127.0.0.1:${port}`)
  await once(client, 'open')
  for (const size of [0, 1, 125, 126, 65536, 1e6]) {
    const sent = randomBytes(size)
    client.send(sent)
    assert.ok(sent.equals((await once(client, 'message'))[0]))
  }
  client.close()
  await once(client, 'close')
})
