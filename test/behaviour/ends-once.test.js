// SPDX-License-Identifier: MIT
//
// Every request ends exactly once, even where with Node's own agent it ends twice,
// throws or never ends. Found by test/faults/chaos.js.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const { test } = require('node:test')

const { Agent, hawserOnly } = require('../support/agent')
const { record, settled } = require('../support/events')
const { scriptedServer } = require('../support/scripted-server')
const { start } = require('../support/servers')

const skip = hawserOnly
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

function agentFor (t, options) {
  const agent = new Agent(options)
  t.after(() => agent.destroy())
  return agent
}

const count = (events, name) => events.filter((event) => event.startsWith(name)).length

for (const lane of ['fast', 'node']) {
  test(`destroy(err) when the response is complete throws nothing, lane ${lane}`, { skip }, async (t) => {
    const { port } = await scriptedServer(t, () => ({ pieces: [OK] }))
    const agent = agentFor(t)
    if (lane === 'node') agent.createConnection = (options) => net.connect(options)
    assert.equal(agent.lane, lane)
    const req = http.get({ host: '127.0.0.1', port, agent })
    const events = record(req, { read: false })
    const [res] = await once(req, 'response')
    res.on('data', () => req.destroy(new Error('mine')))
    await settled(req)
    assert.equal(count(events, 'res end'), 1)
    assert.equal(count(events, 'close'), 1)
  })
}

test('a connection that ends after a response read later closes the request once', { skip }, async (t) => {
  const { port } = await scriptedServer(t, () => ({ pieces: [OK], then: 'fin' }))
  const req = http.get({ host: '127.0.0.1', port, agent: agentFor(t) })
  const events = record(req, { read: false })
  const [res] = await once(req, 'response')
  await once(req, 'close')
  res.resume()
  await once(res, 'end')
  await settled(req)
  assert.deepEqual(events.slice(events.indexOf('response')), ['response', 'close', 'res end', 'res close'])
})

test('a request destroyed with garbage after its response fails once', { skip }, async (t) => {
  const { port } = await scriptedServer(t, () => ({ pieces: [`${OK}garbage`] }))
  const req = http.get({ host: '127.0.0.1', port, agent: agentFor(t) })
  const events = record(req, { read: false })
  req.on('response', (res) => res.destroy(new Error('mine')))
  await settled(req)
  assert.equal(count(events, 'error'), 1, String(events))
  assert.equal(count(events, 'close'), 1)
})

test("an upload continues after an early response: 'drain' is still emitted", { skip }, async (t) => {
  let peer = null
  const port = await start(t, net.createServer((socket) => {
    peer = socket
    socket.on('error', () => {}) // the agent's end comes with the test's
    socket.once('data', () => {
      socket.pause()
      socket.write(OK)
    })
    t.after(() => socket.destroy())
  }))
  const agent = agentFor(t)
  const req = http.request({ host: '127.0.0.1', port, agent, method: 'POST' })
  const events = record(req)
  req.write(Buffer.alloc(32 << 20)) // more than the kernel takes
  await new Promise((resolve) => req.on('response', (res) => res.on('end', resolve)))
  assert.equal(count(events, 'drain'), 0)
  peer.resume()
  await once(req, 'drain')
  req.end()
  const [socket] = await once(agent, 'free')
  await settled(req)
  assert.equal(count(events, 'close'), 1)
  assert.equal(socket.listenerCount('drain'), 0)
})
