// SPDX-License-Identifier: MIT
//
// A connection that the pool offers but that cannot be used does not count as a lease:
// the pool counts what requests got.
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const net = require('node:net')
const { test } = require('node:test')

const { Agent, hawserOnly } = require('../support/agent')
const { request, freed } = require('../support/request')
const { httpServer } = require('../support/servers')
const native = require('../../lib/binding')
const { kPool } = require('../../lib/symbols')

function counts (agent) {
  const { leases, reuses, opened, stale } = native.counts(agent[kPool].id)
  return { leases, reuses, opened, stale }
}

class NodeLaneAgent extends Agent {
  createConnection (options) { return net.createConnection(options) }
}

// As async-listener does it.
class OwnOnSocketAgent extends Agent {
  addRequest (req, ...args) {
    if (req.path === '/own') {
      const { onSocket } = req
      req.onSocket = function (...given) { return onSocket.apply(this, given) }
    }
    return super.addRequest(req, ...args)
  }
}

// On the Node lane the socket is Node's, and any request may use it.
const fastOnly = hawserOnly || (process.env.HAWSER_LANE === 'node' && 'the fast lane only')

// Each makes an idle socket useless without the pool's knowledge.
for (const [what, Class, spoil, path = '/'] of [
  ['was destroyed', NodeLaneAgent, (socket) => socket.destroy()],
  ['was ended', NodeLaneAgent, (socket) => socket.end()],
  ["may not be a request's with an onSocket of its own", OwnOnSocketAgent, () => {}, '/own']
]) {
  test(`an idle socket that ${what} is offered, and counts as stale`, { skip: Class === NodeLaneAgent ? hawserOnly : fastOnly }, async (t) => {
    const port = await httpServer(t, (req, res) => res.end('ok'))
    const agent = new Class()
    t.after(() => agent.destroy())
    const free = freed(agent)
    const { req } = await request({ port, agent })
    await free
    assert.deepEqual(counts(agent), { leases: 1, reuses: 0, opened: 1, stale: 0 })
    spoil(req.socket)
    const { body } = await request({ port, agent, path })
    assert.equal(String(body), 'ok')
    assert.deepEqual(counts(agent), { leases: 2, reuses: 0, opened: 2, stale: 1 })
  })
}

test('a socket that is handed over to a request that cannot use it counts as stale', { skip: fastOnly }, async (t) => {
  const held = []
  const port = await httpServer(t, (req, res) => {
    if (req.url === '/held') held.push(res)
    else res.end('ok')
  })
  const agent = new OwnOnSocketAgent({ maxSockets: 1 })
  t.after(() => agent.destroy())
  const first = http.get({ host: '127.0.0.1', port, agent, path: '/held' })
  const ended = new Promise((resolve) => first.on('response', (res) => res.resume().on('end', resolve)))
  while (held.length === 0) await new Promise(setImmediate)
  const second = request({ port, agent, path: '/own' })
  held[0].end()
  await ended
  assert.equal(String((await second).body), 'ok')
  assert.deepEqual(counts(agent), { leases: 2, reuses: 0, opened: 2, stale: 1 })
})

test('a socket that is used again counts as reused', { skip: hawserOnly }, async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  const agent = new Agent()
  t.after(() => agent.destroy())
  for (let i = 0; i < 3; i++) {
    const free = freed(agent)
    await request({ port, agent })
    await free
  }
  assert.deepEqual(counts(agent), { leases: 3, reuses: 2, opened: 1, stale: 0 })
})
