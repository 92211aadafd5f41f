// SPDX-License-Identifier: MIT
//
// The arguments of a subclass's createSocket(): the options of the request and of the
// agent merged, as in Node, so that net.connect(options) connects.
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')

const { Agent } = require('../support/agent')
const { request } = require('../support/request')
const { httpServer, start } = require('../support/servers')

// As agent-base 9 makes its sockets: without createConnection(), by callback.
function connecting (Base) {
  return class Connecting extends Base {
    seen = []

    createSocket (req, options, callback) {
      this.seen.push({ ...options, agent: undefined })
      const socket = net.connect(options)
      super.createSocket(req, { ...options, made: socket }, callback)
    }

    createConnection (options) {
      return options.made
    }
  }
}

const show = (options, port) => JSON.stringify(options).replaceAll(String(port), 'PORT')

async function ask (Base, port, agentOptions, requestOptions, count) {
  const agent = new (connecting(Base))({ keepAlive: false, ...agentOptions })
  const bodies = await Promise.all(Array.from({ length: count }, () =>
    request({ port, agent, path: '/a?b', ...requestOptions })))
  agent.destroy()
  return {
    bodies: bodies.map(({ body }) => String(body)),
    seen: agent.seen.map((each) => show(each, port))
  }
}

for (const [title, agentOptions, requestOptions] of [
  ['plain', {}, {}],
  ['a Host header', {}, { headers: { host: 'a.test:81' } }],
  ['a Host header of IPv6', {}, { headers: { host: '[::1]:81' } }],
  ['a servername', {}, { servername: 'b.test' }],
  ["the agent's options win", { noDelay: false, timeout: 5000, own: 1, localAddress: '127.0.0.1' }, { noDelay: true }],
  ["the agent's host", { host: '127.0.0.1', family: 4 }, { host: 'nowhere.invalid' }],
  ['the timeout of the request', {}, { timeout: 4000 }]
]) {
  test(`createSocket's options: ${title}`, async (t) => {
    const port = await httpServer(t, (req, res) => res.end(req.url))
    const expected = await ask(http.Agent, port, agentOptions, requestOptions, 1)
    const actual = await ask(Agent, port, agentOptions, requestOptions, 1)
    assert.deepEqual(actual.bodies, ['/a?b'])
    assert.deepEqual(actual, expected)
  })
}

test('each waiting request has its own options of createSocket', async (t) => {
  const port = await httpServer(t, (req, res) => {
    res.shouldKeepAlive = false
    res.end(req.url)
  })
  const { bodies, seen } = await ask(Agent, port, { maxSockets: 1, own: 1 }, {}, 4)
  assert.deepEqual(bodies, Array(4).fill('/a?b'))
  assert.equal(seen.length, 4)
  for (const options of seen) {
    const { path, own, servername } = JSON.parse(options.replaceAll('PORT', '0'))
    assert.deepEqual({ path, own, servername }, { path: null, own: 1, servername: '' })
  }
})

test("createSocket's options of a socketPath", async (t) => {
  const socketPath = path.join(os.tmpdir(), `hawser-${process.pid}.sock`)
  await start(t, http.createServer((req, res) => res.end('there')), { path: socketPath })
  for (const Base of [http.Agent, Agent]) {
    const { bodies, seen } = await ask(Base, 0, {}, { socketPath }, 1)
    assert.deepEqual(bodies, ['there'])
    assert.equal(JSON.parse(seen[0].replaceAll('PORT', '0')).path, socketPath)
  }
})
