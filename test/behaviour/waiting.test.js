// SPDX-License-Identifier: MIT
//
// Requests that wait for a connection: their order, what they see meanwhile, and how
// they end when others fail or the agent is destroyed.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const { test } = require('node:test')

const { Agent } = require('../support/agent')
const { closedPort } = require('../support/closed-port')
const { record, settled } = require('../support/events')
const { request } = require('../support/request')
const { httpServer } = require('../support/servers')

function agentFor (t, options) {
  const agent = new Agent(options)
  t.after(() => agent.destroy())
  return agent
}

// Responds in the order of arrival, and records it; '/hold' is kept in `held`.
async function server (t) {
  const seen = { order: [], ports: new Set(), held: [] }
  seen.port = await httpServer(t, (req, res) => {
    seen.order.push(req.url)
    seen.ports.add(req.socket.remotePort)
    if (req.url.startsWith('/hold')) seen.held.push(res)
    else res.end('ok')
  })
  return seen
}

const until = async (condition) => { while (!condition()) await new Promise(setImmediate) }

test('with maxSockets: 1 two thousand requests are served in the order in which they were made',
  async (t) => {
    const { port, order, ports } = await server(t)
    const agent = agentFor(t, { maxSockets: 1 })
    const paths = Array.from({ length: 2000 }, (_, i) => `/${i}`)
    const ended = []
    await Promise.all(paths.map(async (path) => {
      await request({ port, agent, path })
      ended.push(path)
    }))
    assert.deepEqual(order, paths)
    assert.deepEqual(ended, paths)
    assert.equal(ports.size, 1)
    assert.deepEqual(Object.keys(agent.requests), [])
  })

test("a request that waits has no socket, and is in the agent's list", async (t) => {
  const { port, held } = await server(t)
  const agent = agentFor(t, { maxSockets: 1 })
  const first = request({ port, agent, path: '/hold' })
  const req = http.get({ host: '127.0.0.1', port, agent }, (res) => res.resume())
  await until(() => held.length === 1)
  assert.equal(req.socket, null)
  assert.equal(req.reusedSocket, false)
  const [list] = Object.values(agent.requests)
  assert.equal(list.length, 1)
  assert.equal(list[0], req)
  held[0].end()
  await first
  await once(req, 'close')
  assert.equal(req.socket, (await first).req.socket)
})

test('what is written while the request waits is sent when its turn comes', async (t) => {
  const bodies = []
  const port = await httpServer(t, async (req, res) => {
    let text = ''
    for await (const chunk of req) text += chunk
    bodies.push(text)
    res.end('ok')
  })
  const agent = agentFor(t, { maxSockets: 1 })
  const first = request({ port, agent, method: 'POST' }, 'first')
  const req = http.request({ host: '127.0.0.1', port, agent, method: 'POST' }, (res) => res.resume())
  req.write('se')
  req.write('co')
  req.end('nd')
  await first
  await once(req, 'close')
  assert.deepEqual(bodies, ['first', 'second'])
})

test('maxTotalSockets: 1 serves two origins in turn', async (t) => {
  const [a, b] = [await server(t), await server(t)]
  const agent = agentFor(t, { maxTotalSockets: 1 })
  const all = []
  for (let i = 0; i < 10; i++) {
    all.push(request({ port: a.port, agent, headers: { Connection: 'close' } }))
    all.push(request({ port: b.port, agent, headers: { Connection: 'close' } }))
  }
  assert.equal(agent.totalSocketCount, 1)
  for (const { body } of await Promise.all(all)) assert.equal(String(body), 'ok')
  assert.equal(a.order.length, 10)
  assert.equal(b.order.length, 10)
})

test('maxSockets counts for each origin, maxTotalSockets for all', async (t) => {
  const [a, b] = [await server(t), await server(t)]
  const agent = agentFor(t, { maxSockets: 2, maxTotalSockets: 3 })
  const all = [a, a, a, b, b, b].map(({ port }) => request({ port, agent, path: '/hold' }))
  await until(() => a.held.length + b.held.length === 3)
  assert.equal(agent.totalSocketCount, 3)
  assert.equal(a.held.length, 2)
  assert.equal(b.held.length, 1)
  const waiting = Object.values(agent.requests).map((list) => list.length)
  assert.deepEqual(waiting.sort(), [1, 2])
  for (const one of all) one.catch(() => {})
})

test('a request that is destroyed while it waits never reaches the server', async (t) => {
  const { port, held, order } = await server(t)
  const agent = agentFor(t, { maxSockets: 1 })
  const first = request({ port, agent, path: '/hold' })
  const given = http.get({ host: '127.0.0.1', port, agent, path: '/given-up' })
  const events = record(given)
  const last = request({ port, agent, path: '/last' })
  await until(() => held.length === 1)
  given.destroy()
  assert.equal(given.destroyed, true)
  held[0].end()
  await Promise.all([first, last, settled(given)])
  assert.deepEqual(order, ['/hold', '/last'])
  assert.deepEqual(events, ['error ECONNRESET: socket hang up', 'close'])
})

test('destroy(err) while waiting brings that error', async (t) => {
  const { port, held } = await server(t)
  const agent = agentFor(t, { maxSockets: 1 })
  const first = request({ port, agent, path: '/hold' })
  const given = http.get({ host: '127.0.0.1', port, agent })
  const events = record(given)
  await until(() => held.length === 1)
  given.destroy(Object.assign(new Error('not any more'), { code: 'MINE' }))
  held[0].end()
  await Promise.all([first, settled(given)])
  assert.deepEqual(events, ['error MINE: not any more', 'close'])
})

test('when all waiting requests are destroyed, the connection becomes idle', async (t) => {
  const { port, held } = await server(t)
  const agent = agentFor(t, { maxSockets: 1 })
  const first = request({ port, agent, path: '/hold' })
  const given = Array.from({ length: 10 }, () =>
    http.get({ host: '127.0.0.1', port, agent }).on('error', () => {}))
  await until(() => held.length === 1)
  for (const req of given) req.destroy()
  const free = new Promise((resolve) => {
    agent.on('free', () => process.nextTick(() => {
      if (Object.keys(agent.freeSockets).length === 1) resolve()
    }))
  })
  held[0].end()
  await first
  await Promise.all([free, ...given.map(settled)])
  assert.deepEqual(Object.keys(agent.requests), [])
  assert.equal((await request({ port, agent })).req.socket, (await first).req.socket)
})

test('a connection that is refused fails its own request, and the next in the queue connects again',
  async (t) => {
    const port = await closedPort(t)
    const agent = agentFor(t, { maxSockets: 1 })
    const all = await Promise.allSettled([1, 2, 3].map(() => request({ port, agent })))
    for (const { reason } of all) assert.equal(reason.code, 'ECONNREFUSED')
    await until(() => agent.totalSocketCount === 0)
    assert.deepEqual(Object.keys(agent.requests), [])
    assert.deepEqual(Object.keys(agent.sockets), [])
  })

test('a response with Connection: close makes a new connection for the next in the queue',
  async (t) => {
    const ports = []
    const port = await httpServer(t, (req, res) => {
      ports.push(req.socket.remotePort)
      res.setHeader('Connection', 'close')
      res.end('ok')
    })
    const agent = agentFor(t, { maxSockets: 1 })
    const all = await Promise.all(Array.from({ length: 5 }, () => request({ port, agent })))
    assert.equal(new Set(ports).size, 5)
    for (const { req } of all) assert.equal(req.reusedSocket, false)
  })

test("a waiting request's timeout option begins with its connection", async (t) => {
  const { port, held } = await server(t)
  const agent = agentFor(t, { maxSockets: 1 })
  const first = request({ port, agent, path: '/hold' })
  const waiting = http.get({ host: '127.0.0.1', port, agent, path: '/hold', timeout: 30 })
  const events = record(waiting)
  await until(() => held.length === 1)
  assert.deepEqual(events, [])
  held[0].end()
  await first
  await once(waiting, 'timeout')
  waiting.destroy()
  await settled(waiting)
  assert.deepEqual(events,
    ['socket', 'finish', 'timeout', 'error ECONNRESET: socket hang up', 'close'])
})

test('reusedSocket of a request that waited is that of its connection', async (t) => {
  const { port } = await server(t)
  const agent = agentFor(t, { maxSockets: 1 })
  const all = await Promise.all([1, 2, 3].map(() => request({ port, agent })))
  assert.equal(all[0].req.socket, all[2].req.socket)
  // Node sets it for a connection from the free list only.
  assert.deepEqual(all.map(({ req }) => req.reusedSocket), [false, false, false])
  assert.equal((await request({ port, agent })).req.reusedSocket, true)
})
