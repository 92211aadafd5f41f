// SPDX-License-Identifier: MIT
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const { test } = require('node:test')

const { Agent } = require('../support/agent')
const { request, freed } = require('../support/request')
const { httpServer } = require('../support/servers')

const SHORT = 30 // ms

function silentServer (t) {
  return httpServer(t, (req, res) => {
    if (req.url === '/ok') res.end('ok')
    else if (req.url === '/half') res.write('half')
  })
}

for (const [title, agentOptions, options, act] of [
  ["the request's option", {}, { timeout: SHORT }, () => {}],
  ['req.setTimeout()', {}, {}, (req) => req.setTimeout(SHORT)],
  ["the agent's option", { timeout: SHORT }, {}, () => {}],
  ["the request's option before the agent's", { timeout: 60000 }, { timeout: SHORT }, () => {}]
]) {
  test(`'timeout' by ${title} does not end the request by itself`, async (t) => {
    const port = await silentServer(t)
    const agent = new Agent(agentOptions)
    t.after(() => agent.destroy())
    const req = http.get({ host: '127.0.0.1', port, agent, ...options })
    act(req)
    await once(req, 'timeout')
    assert.equal(req.destroyed, false)
    const error = once(req, 'error')
    req.destroy()
    assert.equal((await error)[0].message, 'socket hang up')
  })
}

test("res.setTimeout() brings 'timeout' on the response", async (t) => {
  const port = await silentServer(t)
  const agent = new Agent()
  t.after(() => agent.destroy())
  const [res] = await once(http.get({ host: '127.0.0.1', port, agent, path: '/half' }), 'response')
  res.setTimeout(SHORT)
  await once(res, 'timeout')
  res.destroy()
})

test("socket.setTimeout() brings 'timeout' on the socket", async (t) => {
  const port = await silentServer(t)
  const agent = new Agent()
  t.after(() => agent.destroy())
  const req = http.get({ host: '127.0.0.1', port, agent })
  req.on('error', () => {})
  const [socket] = await once(req, 'socket')
  socket.setTimeout(SHORT)
  await once(socket, 'timeout')
  req.destroy()
})

test("a request's timeout does not reach the next request of its connection", async (t) => {
  const port = await silentServer(t)
  const agent = new Agent()
  t.after(() => agent.destroy())
  const free = freed(agent)
  await request({ port, agent, path: '/ok', timeout: SHORT })
  await free
  const req = http.get({ host: '127.0.0.1', port, agent })
  req.on('error', () => {})
  let timedOut = false
  req.on('timeout', () => { timedOut = true })
  const [socket] = await once(req, 'socket')
  assert.equal(req.reusedSocket, true)
  assert.ok(!socket.timeout)
  await request({ port, agent, path: '/ok', timeout: 2 * SHORT })
  assert.equal(timedOut, false)
  req.destroy()
})

test('a queued request with a timeout gets it when it has its connection', async (t) => {
  const port = await silentServer(t)
  const agent = new Agent({ maxSockets: 1 })
  t.after(() => agent.destroy())
  const first = request({ port, agent, path: '/ok' })
  const req = http.get({ host: '127.0.0.1', port, agent, timeout: SHORT })
  req.on('error', () => {})
  await first
  await once(req, 'timeout')
  req.destroy()
})
