// SPDX-License-Identifier: MIT
//
// Timeouts: which objects emit them, when, and that they end nothing by themselves.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const { test } = require('node:test')

const { Agent } = require('../support/agent')
const { record, settled } = require('../support/events')
const { request, freed } = require('../support/request')
const { httpServer } = require('../support/servers')

const SHORT = 40 // ms

// '/' is never answered, '/half' half, '/ok' whole.
function server (t) {
  return httpServer(t, (req, res) => {
    if (req.url === '/ok') return res.end('ok')
    if (req.url !== '/half') return
    res.writeHead(200, { 'Content-Length': 10 })
    res.write('half')
  })
}

function agentFor (t, options) {
  const agent = new Agent(options)
  t.after(() => agent.destroy())
  return agent
}

async function empty (agent) {
  while (agent.totalSocketCount > 0) await new Promise(setImmediate)
}

// A request to a server that does not respond, destroyed at the end of its test.
function hanging (t, options) {
  const req = http.get({ host: '127.0.0.1', ...options })
  req.on('error', () => {}) // it is destroyed when the test ends
  t.after(() => req.destroy())
  return req
}

test("'timeout' comes with the request still alive, and destroy() then ends it", async (t) => {
  const port = await server(t)
  const req = http.get({ host: '127.0.0.1', port, agent: agentFor(t), timeout: SHORT })
  const events = record(req)
  await once(req, 'timeout')
  assert.equal(req.destroyed, false)
  assert.equal(req.socket.destroyed, false)
  req.destroy()
  await settled(req)
  // On a busy machine the time may expire before the connection is made.
  assert.deepEqual(events.filter((name) => name !== 'finish'),
    ['socket', 'timeout', 'error ECONNRESET: socket hang up', 'close'])
})

test('a request may be answered after its timeout', async (t) => {
  const asked = []
  const port = await httpServer(t, (req, res) => asked.push(res))
  const req = http.get({ host: '127.0.0.1', port, agent: agentFor(t), timeout: SHORT })
  const events = record(req)
  await once(req, 'timeout')
  while (asked.length === 0) await new Promise(setImmediate)
  asked[0].end('late')
  await settled(req)
  assert.deepEqual(events.filter((name) => !name.endsWith('close') && name !== 'finish'),
    ['socket', 'timeout', 'response', 'data late', 'res end'])
})

test('the callback of setTimeout() is called once, and setTimeout() returns the request', async (t) => {
  const port = await server(t)
  const req = hanging(t, { port, agent: agentFor(t) })
  let calls = 0
  const called = new Promise((resolve) => {
    assert.equal(req.setTimeout(SHORT, () => resolve(++calls)), req)
  })
  await called
  assert.equal(calls, 1)
})

test('setTimeout() before there is a socket, after it, and when it is connected', async (t) => {
  const port = await server(t)
  const agent = agentFor(t)
  const early = hanging(t, { port, agent })
  early.setTimeout(SHORT)
  const onSocket = hanging(t, { port, agent })
  onSocket.on('socket', () => onSocket.setTimeout(SHORT))
  const connected = hanging(t, { port, agent })
  connected.on('finish', () => connected.setTimeout(SHORT))
  await Promise.all([early, onSocket, connected].map((req) => once(req, 'timeout')))
})

test('setTimeout(0) removes the timeout', async (t) => {
  const port = await server(t)
  const agent = agentFor(t)
  const without = hanging(t, { port, agent, timeout: SHORT })
  without.on('timeout', () => assert.fail('timeout'))
  await once(without, 'socket')
  without.setTimeout(0)
  // Two of these take longer than the one that was removed.
  for (let i = 0; i < 2; i++) await once(hanging(t, { port, agent, timeout: SHORT }), 'timeout')
})

test("the agent's timeout is the request's when it has none of its own", async (t) => {
  const port = await server(t)
  const req = hanging(t, { port, agent: agentFor(t, { timeout: SHORT }) })
  await once(req, 'timeout')
  assert.equal(req.destroyed, false)
})

test("the agent's timeout also applies to a reused connection", async (t) => {
  const port = await server(t)
  const agent = agentFor(t, { timeout: 5 * SHORT })
  const free = freed(agent)
  await request({ port, agent, path: '/ok' })
  await free
  const req = hanging(t, { port, agent })
  await once(req, 'timeout')
  assert.equal(req.reusedSocket, true)
})

test("the request's own timeout takes precedence over the agent's", async (t) => {
  const port = await server(t)
  const agent = agentFor(t, { timeout: 60000 })
  const req = hanging(t, { port, agent, timeout: SHORT })
  await once(req, 'timeout')
  assert.equal(req.timeout, SHORT)
})

test('a timeout in the middle of the body is emitted on request and response', async (t) => {
  const port = await server(t)
  const req = http.get({
    host: '127.0.0.1', port, agent: agentFor(t), path: '/half', timeout: SHORT
  })
  const events = record(req)
  const [res] = await once(req, 'response')
  await once(res, 'timeout')
  assert.ok(events.includes('timeout'))
  assert.ok(events.includes('res timeout'))
  assert.equal(res.destroyed, false)
  res.destroy()
  await settled(req)
  assert.equal(events.at(-1) === 'close' || events.at(-1) === 'res close', true)
})

test('res.setTimeout() calls back, and returns the response', async (t) => {
  const port = await server(t)
  const req = hanging(t, { port, agent: agentFor(t), path: '/half' })
  const [res] = await once(req, 'response')
  res.resume()
  await new Promise((resolve) => assert.equal(res.setTimeout(SHORT, resolve), res))
  assert.equal(res.destroyed, false)
})

test('socket.setTimeout() with a callback, and the timeout property', async (t) => {
  const port = await server(t)
  const req = hanging(t, { port, agent: agentFor(t) })
  const [socket] = await once(req, 'socket')
  await new Promise((resolve) => assert.equal(socket.setTimeout(SHORT, resolve), socket))
  assert.equal(socket.timeout, SHORT)
  assert.equal(socket.destroyed, false)
  socket.setTimeout(0)
  assert.equal(socket.timeout, 0)
})

test('socket.setTimeout() refuses invalid values', async (t) => {
  const port = await server(t)
  const req = hanging(t, { port, agent: agentFor(t) })
  const [socket] = await once(req, 'socket')
  assert.throws(() => socket.setTimeout('x'), { code: 'ERR_INVALID_ARG_TYPE' })
  assert.throws(() => socket.setTimeout(-1), { code: 'ERR_OUT_OF_RANGE' })
  assert.throws(() => socket.setTimeout(1, 'x'), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('bytes that arrive restart the timeout', async (t) => {
  const port = await httpServer(t, (req, res) => {
    res.writeHead(200, { 'Content-Length': 40 })
    let left = 40
    const timer = setInterval(() => {
      res.write('.')
      if (--left === 0) clearInterval(timer)
    }, 10)
  })
  // The whole takes 400 ms, but no pause in it comes near 300.
  const req = http.get({ host: '127.0.0.1', port, agent: agentFor(t), timeout: 300 })
  const events = record(req)
  await settled(req)
  assert.equal(events.filter((name) => name === 'data .').length >= 1, true)
  assert.equal(events.includes('timeout'), false)
  assert.equal(events.includes('res end'), true)
})

test('a timeout does not pass to the next request of its connection', async (t) => {
  const port = await server(t)
  const agent = agentFor(t)
  const free = freed(agent)
  await request({ port, agent, path: '/ok', timeout: SHORT })
  await free
  const req = hanging(t, { port, agent })
  req.on('timeout', () => assert.fail('timeout'))
  await once(req, 'socket')
  assert.equal(req.reusedSocket, true)
  const other = agentFor(t)
  for (let i = 0; i < 2; i++) {
    await once(hanging(t, { port, agent: other, timeout: SHORT }), 'timeout')
  }
})

test("the request's timeout does not close the connection when it is idle", async (t) => {
  const port = await server(t)
  const agent = agentFor(t)
  const free = freed(agent)
  const { req } = await request({ port, agent, path: '/ok', timeout: SHORT })
  await free
  const other = agentFor(t)
  for (let i = 0; i < 2; i++) {
    await once(hanging(t, { port, agent: other, timeout: SHORT }), 'timeout')
  }
  assert.equal(req.socket.destroyed, false)
  assert.equal((await request({ port, agent, path: '/ok' })).req.reusedSocket, true)
})

test("an idle connection is closed after the agent's timeout", async (t) => {
  const port = await server(t)
  const agent = agentFor(t, { timeout: SHORT })
  const free = freed(agent)
  const { req } = await request({ port, agent, path: '/ok' })
  await free
  assert.equal(Object.values(agent.freeSockets).flat().length, 1)
  await new Promise((resolve) => req.socket.once('close', resolve))
  assert.equal(agent.totalSocketCount, 0)
  assert.deepEqual(Object.keys(agent.freeSockets), [])
})

test('a timeout while the connection is being made', async (t) => {
  await server(t) // keeps the process alive, as a real look-up would
  // The look-up never calls back, so there is nothing to connect to.
  const req = hanging(t, {
    host: 'slow.test', port: 80, agent: agentFor(t), lookup: () => {}, timeout: SHORT
  })
  await once(req, 'timeout')
  assert.equal(req.socket.connecting, true)
})

test('destroying in the timeout callback of many requests ends all of them', async (t) => {
  const port = await server(t)
  const agent = agentFor(t)
  const codes = await Promise.all(Array.from({ length: 50 }, async () => {
    const req = http.get({ host: '127.0.0.1', port, agent, timeout: SHORT })
    req.on('timeout', () => req.destroy(Object.assign(new Error('late'), { code: 'MINE' })))
    return (await once(req, 'error'))[0].code
  }))
  assert.deepEqual(new Set(codes), new Set(['MINE']))
  await empty(agent)
})
