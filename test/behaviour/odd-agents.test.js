// SPDX-License-Identifier: MIT
//
// Agents that are not quite http.Agent: subclasses and options that fail, throw,
// never return, pass a request on or keep lists of their own.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const { test } = require('node:test')

const { Agent, hawserOnly } = require('../support/agent')
const { finds, HERE } = require('../support/lookup')
const { request } = require('../support/request')
const { httpServer } = require('../support/servers')

const MANY = 5000

// Requests that wait for one whose connection the server then closes. With Node's
// agent they wait forever.
async function behindOne (t, agent, options) {
  const port = await httpServer(t, (req, res) => setImmediate(() => req.socket.destroy()))
  t.after(() => agent.destroy())
  const ends = Array.from({ length: MANY }, () => new Promise((resolve) => {
    http.get({ host: 'a.test', port, agent, ...options }).on('error', resolve)
  }))
  const errors = await Promise.all(ends)
  assert.equal(agent.totalSocketCount, 0)
  assert.deepEqual(Object.keys(agent.requests), [])
  assert.deepEqual(errors.map((err) => err.message),
    ['socket hang up', ...Array(MANY - 1).fill('down')])
}

const connects = ({ port }) => net.connect(port, '127.0.0.1')
const throws = () => { throw new Error('down') }

// Calls `first` once and then `then`.
function firstThen (first, then) {
  let next = first
  return (...args) => {
    const call = next
    next = then
    return call(...args)
  }
}

for (const [how, fail] of [
  ['calls back', (options, callback) => { callback(new Error('down')) }],
  ['throws', throws]
]) {
  test(`thousands that wait fail one after the other: createConnection ${how}`, { skip: hawserOnly }, async (t) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    agent.createConnection = firstThen(connects, fail)
    await behindOne(t, agent)
  })
}

test('thousands that wait fail one after the other: the look-up throws', { skip: hawserOnly }, async (t) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  await behindOne(t, agent, { lookup: firstThen(finds(HERE), throws) })
})

test('a createSocket that throws holds no place', async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  class Throws extends Agent {
    createSocket (...args) {
      if (this.down) throw new Error('down')
      return super.createSocket(...args)
    }
  }
  const agent = new Throws({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  agent.down = true
  for (let i = 0; i < 3; i++) {
    assert.throws(() => http.get({ host: '127.0.0.1', port, agent }), { message: 'down' })
  }
  agent.down = false
  assert.equal(String((await request({ port, agent })).body), 'ok')
})

test('a createSocket that passes its request on to another agent holds no place', async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  const other = new Agent({ keepAlive: true })
  class PassesOn extends Agent {
    createSocket (req, options) { other.addRequest(req, options) }
  }
  const agent = new PassesOn({ keepAlive: true, maxSockets: 2 })
  t.after(() => other.destroy())
  for (let i = 0; i < 5; i++) assert.equal(String((await request({ port, agent })).body), 'ok')
  assert.equal(agent.totalSocketCount, 0)
})

// As agent-base 7 does it, which proxy agents are built on.
test('an agent may count with placeholders in agent.sockets', async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  class Counts extends Agent {
    createSocket (req, options, callback) {
      const name = this.getName(options)
      const standIn = new net.Socket({ writable: false })
      if (!this.sockets[name]) this.sockets[name] = []
      this.sockets[name].push(standIn)
      assert.ok(this.sockets[name].includes(standIn))
      setImmediate(() => {
        const list = this.sockets[name]
        list.splice(list.indexOf(standIn), 1)
        if (list.length === 0) delete this.sockets[name]
        super.createSocket(req, options, callback)
      })
    }
  }
  const agent = new Counts({ keepAlive: true, maxSockets: 2 })
  t.after(() => agent.destroy())
  const answers = await Promise.all(Array.from({ length: 6 }, () => request({ port, agent })))
  assert.deepEqual(answers.map(({ body }) => String(body)), Array(6).fill('ok'))
  assert.deepEqual(Object.keys(agent.sockets), [])
})

for (const name of [7, undefined, Symbol('x'), { toString: () => 'x' }]) {
  test(`a getName that returns ${String(name?.constructor?.name)}`, async (t) => {
    const port = await httpServer(t, (req, res) => res.end('ok'))
    const agent = new Agent({ keepAlive: true })
    t.after(() => agent.destroy())
    agent.getName = () => name
    for (let i = 0; i < 2; i++) assert.equal(String((await request({ port, agent })).body), 'ok')
  })
}

test('the signal of an agent ends its connections', async (t) => {
  const port = await httpServer(t, () => {})
  const controller = new AbortController()
  const agent = new Agent({ keepAlive: true, signal: controller.signal })
  t.after(() => agent.destroy())
  const req = http.get({ host: '127.0.0.1', port, agent })
  await once(req, 'finish')
  controller.abort()
  await assert.rejects(once(req, 'response'), { code: 'ABORT_ERR' })
})

test('a connect that fails at once fails its request once', async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  const lookup = finds({ address: '255.255.255.255', family: 4 })
  const [major] = process.versions.node.split('.').map(Number)
  if (major < 24) return t.skip('before 24 there is no listener in time')
  const req = http.get({ host: 'a.test', port, agent, lookup })
  let errors = 0
  req.on('error', () => errors++)
  await new Promise((resolve) => req.on('close', resolve))
  assert.equal(errors, 1)
  assert.equal(agent.totalSocketCount, 0)
})

// An override need not know what Node's own has to undo; before 22.23 that was little.
for (const [lane, set] of Object.entries({
  fast () {},
  node (agent) { agent.createConnection = ({ port }) => net.connect(port, '127.0.0.1') }
})) {
  test(`a reuseSocket that does not call Node's, ${lane} lane`, { skip: hawserOnly }, async (t) => {
    const port = await httpServer(t, (req, res) => res.end('ok'))
    class Reuses extends Agent {
      reuseSocket (socket, req) { req.reusedSocket = true }
    }
    const agent = new Reuses({ maxSockets: 1 })
    set(agent)
    t.after(() => agent.destroy())
    for (const reused of [false, true, true, true]) {
      const free = once(agent, 'free')
      const { req, body } = await request({ port, agent })
      assert.deepEqual([String(body), req.reusedSocket], ['ok', reused])
      const [socket] = await free
      await new Promise(setImmediate)
      assert.equal(socket.listenerCount('error') <= 3, true)
    }
  })
}

// A program may set the limits to any value; Node just compares.
const LIMITS = [NaN, -1, 0, 0.5, 1, 1.5, 2.5, '2', undefined, null, true, 'x', Infinity]
for (const name of ['maxSockets', 'maxTotalSockets', 'maxFreeSockets']) {
  for (const limit of LIMITS) {
    test(`${name} is set to ${typeof limit} ${limit}`, async (t) => {
      const port = await httpServer(t, (req, res) => res.end('ok'))
      const count = async (Class) => {
        const agent = new Class({ keepAlive: true })
        agent[name] = limit
        t.after(() => agent.destroy())
        const number = (lists) => Object.values(lists).flat().length
        const reqs = [1, 2, 3].map(() => http.get({ port, host: '127.0.0.1', agent }).on('error', () => {}))
        const asked = [number(agent.sockets), number(agent.requests)]
        if (name !== 'maxFreeSockets') {
          for (const req of reqs) req.destroy()
          return asked
        }
        await Promise.all(reqs.map(async (req) => {
          const [res] = await once(req, 'response')
          res.resume()
          await once(req, 'close')
          await new Promise(setImmediate)
        }))
        return [...asked, number(agent.freeSockets)]
      }
      assert.deepEqual(await count(Agent), await count(http.Agent))
    })
  }
}
