// SPDX-License-Identifier: MIT
//
// Limits, and the requests that wait because of them.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const { test } = require('node:test')

const { Agent, isHawser, hawserOnly } = require('../support/agent')
const { request } = require('../support/request')
const { httpServer } = require('../support/servers')

// Node lets one more be dialled while an idle one is still open.
const LIMIT = isHawser ? 2 : 3

// Counts the requests in flight at once.
async function countingServer (t) {
  const state = { now: 0, most: 0, order: [] }
  state.port = await httpServer(t, (req, res) => {
    state.order.push(Number(req.url.slice(1)))
    state.most = Math.max(state.most, ++state.now)
    setImmediate(() => {
      state.now--
      res.end('ok')
    })
  })
  return state
}

test('2,000 requests over maxSockets: 5 all finish, first come first served', async (t) => {
  const server = await countingServer(t)
  const agent = new Agent({ maxSockets: 5 })
  t.after(() => agent.destroy())
  const all = Array.from({ length: 2000 }, (_, i) =>
    request({ port: server.port, agent, path: `/${i}` }))
  assert.equal(agent.totalSocketCount, 5)
  const [name] = Object.keys(agent.requests)
  assert.equal(agent.requests[name].length, 1995)
  await Promise.all(all)
  assert.ok(server.most <= 5)
  // Five at a time: none can be further than that from its place.
  for (const [place, n] of server.order.entries()) assert.ok(Math.abs(place - n) < 10)
})

test('maxTotalSockets holds over several origins, and none starves', async (t) => {
  const servers = [await countingServer(t), await countingServer(t), await countingServer(t)]
  const agent = new Agent({ maxTotalSockets: 2 })
  t.after(() => agent.destroy())
  const all = servers.flatMap(({ port }) =>
    Array.from({ length: 30 }, (_, i) => request({ port, agent, path: `/${i}` })))
  const watch = setInterval(() => assert.ok(agent.totalSocketCount <= LIMIT), 1)
  await Promise.all(all)
  clearInterval(watch)
})

test('an idle connection of another origin makes room under maxTotalSockets',
  { skip: hawserOnly }, async (t) => {
    const [a, b] = [await countingServer(t), await countingServer(t)]
    const agent = new Agent({ maxTotalSockets: 1 })
    t.after(() => agent.destroy())
    const first = await request({ port: a.port, agent })
    await request({ port: b.port, agent })
    assert.equal(first.req.socket.destroyed, true)
    assert.equal(agent.totalSocketCount, 1)
  })

test('a request that is destroyed while it waits ends with one error and affects no other', async (t) => {
  const server = await countingServer(t)
  const agent = new Agent({ maxSockets: 1 })
  t.after(() => agent.destroy())
  const first = request({ port: server.port, agent })
  const events = []
  const req = http.get({ host: '127.0.0.1', port: server.port, agent })
  req.on('error', (err) => events.push(err.code)).on('close', () => events.push('close'))
  const third = request({ port: server.port, agent })
  req.destroy()
  await first
  await third
  assert.deepEqual(events, ['ECONNRESET', 'close'])
  assert.equal(server.order.length, 2)
})

test('when a connection dies its waiting requests get another', async (t) => {
  let n = 0
  const port = await httpServer(t, (req, res) => n++ === 0 ? req.socket.destroy() : res.end('ok'))
  const agent = new Agent({ maxSockets: 1 })
  t.after(() => agent.destroy())
  const first = request({ port, agent })
  const rest = [request({ port, agent }), request({ port, agent })]
  await assert.rejects(first, { code: 'ECONNRESET', message: 'socket hang up' })
  for (const { body } of await Promise.all(rest)) assert.equal(String(body), 'ok')
})

test('agent.destroy() leaves waiting requests to new connections', async (t) => {
  const held = []
  const port = await httpServer(t, (req, res) => req.url === '/hold' ? held.push(res) : res.end('ok'))
  const agent = new Agent({ maxSockets: 1 })
  t.after(() => agent.destroy())
  const first = request({ port, agent, path: '/hold' })
  const second = request({ port, agent })
  while (held.length === 0) await new Promise(setImmediate)
  agent.destroy()
  await assert.rejects(first, { code: 'ECONNRESET' })
  assert.equal(String((await second).body), 'ok')
})

test('limits may be changed while the agent works', async (t) => {
  const server = await countingServer(t)
  const agent = new Agent({ maxSockets: 1 })
  t.after(() => agent.destroy())
  await request({ port: server.port, agent, path: '/0' })
  agent.maxSockets = 3
  const all = Array.from({ length: 9 }, (_, i) =>
    request({ port: server.port, agent, path: `/${i}` }))
  assert.equal(agent.totalSocketCount, 3)
  await Promise.all(all)
})

test("'free' is emitted for a connection that was made for a waiting request", async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  const agent = new Agent({ maxSockets: 1, keepAlive: false })
  const first = request({ port, agent })
  const second = request({ port, agent })
  const [socket] = await once(agent, 'free')
  const results = await Promise.all([first, second])
  assert.ok(results.some(({ req }) => req.socket === socket))
})

test('raising maxSockets starts waiting requests', { skip: hawserOnly }, async (t) => {
  const held = []
  const port = await httpServer(t, (req, res) => {
    held.push(res)
    if (held.length === 4) for (const one of held) one.end('ok')
  })
  const agent = new Agent({ maxSockets: 1 })
  t.after(() => agent.destroy())
  const all = [1, 2, 3].map(() => request({ port, agent }))
  agent.maxSockets = 4
  all.push(request({ port, agent }))
  await Promise.all(all)
})
