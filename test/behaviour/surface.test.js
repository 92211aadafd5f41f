// SPDX-License-Identifier: MIT
//
// The Agent as a class that programs extend.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const { test } = require('node:test')
const util = require('node:util')

const { Agent, isHawser, hawserOnly } = require('../support/agent')
const { freed, request } = require('../support/request')
const { httpServer } = require('../support/servers')

test('it is an http.Agent', () => {
  const agent = new Agent()
  assert.ok(agent instanceof http.Agent)
  assert.equal(agent.defaultPort, 80)
  assert.equal(agent.protocol, 'http:')
  assert.equal(agent.keepAlive, true)
  assert.equal(agent.maxSockets, Infinity)
  assert.equal(agent.maxFreeSockets, 256)
  assert.equal(agent.scheduling, 'lifo')
  assert.equal(agent.totalSocketCount, 0)
})

test('getName() is the same as that of the built-in Agent', () => {
  const [mine, builtin] = [new Agent(), new http.Agent()]
  for (const options of [
    undefined, {}, { host: 'a' }, { host: 'a', port: 1 }, { host: 'a', port: 1, localAddress: '::1' },
    { host: 'a', family: 6 }, { host: 'a', family: 0 }, { socketPath: '/s' },
    { host: 'a', port: 80, localAddress: 'b', family: 4, socketPath: '/s' }
  ]) {
    assert.equal(mine.getName(options), builtin.getName(options))
  }
})

test('without new, by util.inherits and by class', { skip: !isHawser && 'a class of the test' }, async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  function Old () {
    Agent.call(this, { maxSockets: 1 })
  }
  util.inherits(Old, Agent)
  class New extends Agent {}
  for (const agent of [Agent(), new Old(), new New()]) {
    t.after(() => agent.destroy())
    assert.equal(String((await request({ port, agent })).body), 'ok')
    assert.ok(agent instanceof Agent)
  }
})

test('overridden addRequest, createSocket, getName and removeSocket are called', async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  const calls = []
  class Mine extends Agent {
    addRequest (...args) {
      calls.push('addRequest')
      return super.addRequest(...args)
    }

    createSocket (...args) {
      calls.push('createSocket')
      return super.createSocket(...args)
    }

    removeSocket (...args) {
      calls.push('removeSocket')
      return super.removeSocket(...args)
    }

    getName (options) {
      return `mine:${super.getName(options)}`
    }
  }
  const agent = new Mine()
  const { req } = await request({ port, agent })
  assert.match(Object.keys({ ...agent.sockets, ...agent.freeSockets })[0], /^mine:127/)
  req.socket.destroy()
  while (agent.totalSocketCount > 0) await new Promise(setImmediate)
  assert.deepEqual([...new Set(calls)], ['addRequest', 'createSocket', 'removeSocket'])
})

test('two requests for one host share no connection if their options forbid it', async (t) => {
  const port = await httpServer(t, (req, res) => res.end(req.socket.remoteAddress))
  const agent = new Agent()
  t.after(() => agent.destroy())
  await request({ port, agent })
  const { body } = await request({ port, agent, localAddress: '127.0.0.2' })
  assert.equal(String(body), '127.0.0.2')
})

test('a Host header that is not a string is refused as in Node', () => {
  const run = (agent) => {
    try {
      http.get({ host: '127.0.0.1', port: 1, agent, headers: { host: ['a', 'b'] } })
    } catch (err) {
      return [err.code, err.message]
    }
  }
  assert.deepEqual(run(new Agent()), run(new http.Agent({ keepAlive: true })))
})

test('capabilities() and agent.lane show which lane is in use', { skip: hawserOnly }, () => {
  const { capabilities } = require('../..')
  assert.equal(capabilities().fastLane, process.env.HAWSER_LANE !== 'node')
  assert.equal(new Agent().lane, capabilities().fastLane ? 'fast' : 'node')
  class Mine extends Agent {
    createConnection () {}
  }
  assert.equal(new Mine().lane, 'node')
})

test('the package can be imported and required', { skip: hawserOnly }, async () => {
  const esm = await import('../../lib/index.mjs')
  assert.equal(esm.Agent, Agent)
  assert.equal(esm.default.Agent, Agent)
})

test('an idle socket stays in freeSockets until it has closed', async (t) => {
  const port = await httpServer(t, (req, res) => res.end())
  const agent = new Agent()
  const both = () => [agent.sockets, agent.freeSockets].map((lists) => Object.values(lists).flat())
  const free = freed(agent)
  const { req } = await request({ port, agent })
  await free
  const { socket } = req
  assert.deepEqual(both(), [[], [socket]])
  agent.destroy()
  assert.deepEqual(both(), [[], [socket]])
  assert.equal(agent.totalSocketCount, 1)
  await once(socket, 'close')
  assert.deepEqual(both(), [[], []])
})
