// SPDX-License-Identifier: MIT
//
// The Agent as a base class: its name, its methods, what subclasses and libraries do
// to it, and how long it keeps a process running.
'use strict'

const assert = require('node:assert/strict')
const { EventEmitter, once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const { test } = require('node:test')
const util = require('node:util')

const { Agent, isHawser } = require('../support/agent')
const { runScript } = require('../support/child')
const { request, freed } = require('../support/request')
const { httpServer } = require('../support/servers')

function agentFor (t, options, Class = Agent) {
  const agent = new Class(options)
  t.after(() => agent.destroy())
  return agent
}

const server = (t) => httpServer(t, (req, res) => res.end('ok'))

async function pooled (options) {
  const free = freed(options.agent)
  const result = await request(options)
  await free
  return result
}

for (const [options, name] of [
  [undefined, 'localhost::'],
  [{}, 'localhost::'],
  [{ host: 'a.test' }, 'a.test::'],
  [{ host: 'a.test', port: 80 }, 'a.test:80:'],
  [{ host: 'a.test', port: '80' }, 'a.test:80:'],
  [{ host: 'a.test', port: 80, localAddress: '192.0.2.1' }, 'a.test:80:192.0.2.1'],
  [{ host: 'a.test', port: 80, family: 4 }, 'a.test:80::4'],
  [{ host: 'a.test', port: 80, family: 6 }, 'a.test:80::6'],
  [{ host: 'a.test', port: 80, family: 0 }, 'a.test:80:'],
  [{ host: 'a.test', port: 80, family: '4' }, 'a.test:80:'],
  [{ socketPath: '/run/s' }, 'localhost:::/run/s'],
  [{ host: '::1', port: 80, family: 6, socketPath: '/s' }, '::1:80::6:/s'],
  [{ hostname: 'a.test' }, 'localhost::']
]) {
  test(`getName(${util.inspect(options)}) is ${name}`, () => {
    assert.equal(new Agent().getName(options), name)
  })
}

test('an agent is an http.Agent and an EventEmitter', () => {
  const agent = new Agent()
  assert.ok(agent instanceof http.Agent)
  assert.ok(agent instanceof EventEmitter)
  assert.equal(agent.listenerCount('free') >= 1, true)
  for (const name of ['addRequest', 'createConnection', 'createSocket', 'removeSocket',
    'keepSocketAlive', 'reuseSocket', 'getName', 'destroy']) {
    assert.equal(typeof agent[name], 'function', name)
  }
})

test('an agent shows its options and limits', () => {
  const agent = new Agent({
    keepAliveMsecs: 2000,
    maxSockets: 3,
    maxTotalSockets: 5,
    maxFreeSockets: 2,
    scheduling: 'fifo',
    timeout: 4000
  })
  assert.equal(agent.keepAlive, true)
  assert.equal(agent.keepAliveMsecs, 2000)
  assert.equal(agent.maxSockets, 3)
  assert.equal(agent.maxTotalSockets, 5)
  assert.equal(agent.maxFreeSockets, 2)
  assert.equal(agent.scheduling, 'fifo')
  assert.equal(agent.options.timeout, 4000)
  assert.equal(agent.options.noDelay, true)
  assert.equal(agent.options.path, null)
})

test('the limits of an agent without options', () => {
  const agent = new Agent()
  assert.equal(agent.maxSockets, Infinity)
  assert.equal(agent.maxTotalSockets, Infinity)
  assert.equal(agent.maxFreeSockets, 256)
  assert.equal(agent.keepAliveMsecs, 1000)
  assert.equal(agent.scheduling, 'lifo')
  assert.equal(agent.totalSocketCount, 0)
  assert.equal(agent.defaultPort, 80)
  assert.equal(agent.protocol, 'http:')
})

test('the options object is copied, not kept', () => {
  const options = { maxSockets: 3 }
  const agent = new Agent(options)
  assert.notEqual(agent.options, options)
  assert.deepEqual(options, { maxSockets: 3 })
})

test("the agent's options take precedence over the request's", async (t) => {
  const port = await server(t)
  const agent = agentFor(t, { localAddress: '127.0.0.6' })
  const { req } = await pooled({ port, agent, localAddress: '127.0.0.7' })
  assert.equal(req.socket.localAddress, '127.0.0.6')
})

test('a class that extends the agent overrides any of its methods', async (t) => {
  const port = await server(t)
  const calls = []
  class Mine extends Agent {
    addRequest (req, options, ...rest) {
      calls.push('addRequest')
      assert.ok(req instanceof http.ClientRequest)
      assert.equal(options.port, port)
      return super.addRequest(req, options, ...rest)
    }

    createSocket (req, options, callback) {
      calls.push('createSocket')
      assert.equal(typeof callback, 'function')
      return super.createSocket(req, options, callback)
    }

    keepSocketAlive (socket) {
      calls.push('keepSocketAlive')
      const kept = super.keepSocketAlive(socket)
      assert.equal(kept, true)
      return kept
    }

    reuseSocket (socket, req) {
      calls.push('reuseSocket')
      assert.equal(req.reusedSocket, false)
      super.reuseSocket(socket, req)
      assert.equal(req.reusedSocket, true)
    }
  }
  const agent = agentFor(t, {}, Mine)
  await pooled({ port, agent })
  await pooled({ port, agent })
  assert.deepEqual(calls, ['addRequest', 'createSocket', 'keepSocketAlive',
    'addRequest', 'reuseSocket', 'keepSocketAlive'])
})

test('keepSocketAlive that returns false closes the connection', async (t) => {
  const port = await server(t)
  class Mine extends Agent {
    keepSocketAlive () {
      return false
    }
  }
  const agent = agentFor(t, {}, Mine)
  await request({ port, agent })
  while (agent.totalSocketCount > 0) await new Promise(setImmediate)
  assert.deepEqual(Object.keys(agent.freeSockets), [])
})

test('removeSocket is called when a connection closes', async (t) => {
  const port = await server(t)
  const removed = []
  class Mine extends Agent {
    removeSocket (socket, options) {
      removed.push([socket, options.port])
      return super.removeSocket(socket, options)
    }
  }
  const agent = agentFor(t, {}, Mine)
  const { req } = await pooled({ port, agent })
  const before = removed.length
  req.socket.destroy()
  while (agent.totalSocketCount > 0) await new Promise(setImmediate)
  assert.equal(removed.length, before + 1)
  assert.equal(removed.at(-1)[0], req.socket)
  assert.equal(removed.at(-1)[1], port)
})

test('getName of a subclass decides which requests share a connection', async (t) => {
  const port = await server(t)
  class Mine extends Agent {
    getName (options) {
      return `${super.getName(options)}#${options.tenant ?? ''}`
    }
  }
  const agent = agentFor(t, {}, Mine)
  const a = await pooled({ port, agent, tenant: 'a' })
  const b = await pooled({ port, agent, tenant: 'b' })
  const again = await pooled({ port, agent, tenant: 'a' })
  assert.notEqual(a.req.socket, b.req.socket)
  assert.equal(again.req.socket, a.req.socket)
  assert.deepEqual(Object.keys(agent.freeSockets).sort(),
    [`127.0.0.1:${port}:#a`, `127.0.0.1:${port}:#b`])
})

test('util.inherits and a call of the constructor on this',
  { skip: !isHawser && 'the class around the built-in Agent cannot be called' }, async (t) => {
    const port = await server(t)
    function Old (options) {
      Agent.call(this, options)
      this.mine = true
    }
    util.inherits(Old, Agent)
    Old.prototype.reuseSocket = function (socket, req) {
      this.reused = true
      return Agent.prototype.reuseSocket.call(this, socket, req)
    }
    const agent = agentFor(t, { maxSockets: 2 }, Old)
    await pooled({ port, agent })
    await pooled({ port, agent })
    assert.equal(agent.maxSockets, 2)
    assert.equal(agent.mine, true)
    assert.equal(agent.reused, true)
    assert.ok(agent instanceof http.Agent)
  })

test('a patch of the prototype applies to existing agents', async (t) => {
  const port = await server(t)
  const agent = agentFor(t)
  const { addRequest } = Agent.prototype
  let calls = 0
  Agent.prototype.addRequest = function (...args) {
    calls++
    return addRequest.apply(this, args)
  }
  t.after(() => { Agent.prototype.addRequest = addRequest })
  await pooled({ port, agent })
  assert.equal(calls, 1)
})

test("a 'free' listener gets each connection that becomes free, with its options", async (t) => {
  const port = await server(t)
  const agent = agentFor(t)
  const seen = []
  agent.on('free', function (socket, options) {
    seen.push([socket.localPort, options.host, options.port, this === agent])
  })
  const first = await pooled({ port, agent })
  await pooled({ port, agent })
  const one = [first.req.socket.localPort, '127.0.0.1', port, true]
  assert.deepEqual(seen, [one, one])
})

test("a 'free' listener may destroy the connection", async (t) => {
  const port = await server(t)
  const agent = agentFor(t)
  agent.on('free', (socket) => socket.destroy())
  await request({ port, agent })
  const second = await request({ port, agent })
  assert.equal(second.req.reusedSocket, false)
})

test('agentRemove during a request: the response arrives, and the connection has left the pool', async (t) => {
  const port = await server(t)
  const agent = agentFor(t)
  const req = http.get({ host: '127.0.0.1', port, agent })
  const [res] = await once(req, 'response')
  req.socket.emit('agentRemove')
  assert.equal(agent.totalSocketCount, 0)
  assert.deepEqual(Object.keys(agent.sockets), [])
  res.resume()
  await once(res, 'end')
  await new Promise(setImmediate)
  assert.deepEqual(Object.keys(agent.freeSockets), [])
  assert.equal(req.socket.destroyed, false)
  req.socket.destroy()
})

test('agentRemove gives the place to a waiting request', async (t) => {
  const port = await httpServer(t, (req, res) => req.url === '/never' || res.end('ok'))
  const agent = agentFor(t, { maxSockets: 1 })
  const req = http.get({ host: '127.0.0.1', port, agent, path: '/never' })
  req.on('error', () => {}) // it is destroyed below
  const waiting = request({ port, agent })
  await once(req, 'finish')
  req.socket.emit('agentRemove')
  assert.equal(String((await waiting).body), 'ok')
  req.destroy()
})

test('util.inspect of an agent, a request and a response does not throw', async (t) => {
  const port = await server(t)
  const agent = agentFor(t)
  const { req, res } = await pooled({ port, agent })
  for (const thing of [agent, req, res, req.socket]) {
    assert.equal(typeof util.inspect(thing, { depth: 5 }), 'string')
  }
})

for (const [title, script, expected] of [
  ['an idle pool lets the process exit', `
    http.get({ host: '127.0.0.1', port, agent }, (res) => res.resume().on('end', () => {
      console.log('ended')
    }))`, 'ended'],
  ['a request in flight keeps the process', `
    http.get({ host: '127.0.0.1', port, agent, path: '/slow' }, (res) => {
      res.resume().on('end', () => console.log('ended'))
    })`, 'ended'],
  ['a request that waits keeps the process', `
    const one = new Agent({ maxSockets: 1 })
    http.get({ host: '127.0.0.1', port, agent: one, path: '/slow' }, (res) => res.resume())
    http.get({ host: '127.0.0.1', port, agent: one }, (res) => {
      res.resume().on('end', () => console.log('second'))
    })`, 'second'],
  ['a request on a used connection keeps the process', `
    http.get({ host: '127.0.0.1', port, agent }, (res) => res.resume().on('end', () => {
      setImmediate(() => http.get({ host: '127.0.0.1', port, agent, path: '/slow' }, (res) => {
        res.resume().on('end', () => console.log('second'))
      }))
    }))`, 'second'],
  ['socket.unref() lets the process exit in the middle of a request', `
    http.get({ host: '127.0.0.1', port, agent, path: '/never' }, () => console.log('never'))
      .on('finish', function () { this.socket.unref() })
    process.on('exit', () => console.log('exit'))`, 'exit'],
  ['an agent that was never used lets the process exit', '', '']
]) {
  test(title, async (t) => {
    const port = await httpServer(t, (req, res) => {
      if (req.url === '/slow') setTimeout(() => res.end('ok'), 50)
      else if (req.url !== '/never') res.end('ok')
    })
    const { status, out, err } = await runScript(`
      const port = ${port}
      const agent = new Agent()
      ${script}`)
    assert.equal(err, '')
    assert.equal(out, expected)
    assert.equal(status, 0)
  })
}

test("a socket of createSocket() that no request uses outlives its 'timeout'", async (t) => {
  const port = await server(t)
  for (const set of [() => {}, (agent) => { agent.createConnection = ({ port }) => net.connect(port, '127.0.0.1') }]) {
    const agent = agentFor(t)
    set(agent)
    const req = new http.OutgoingMessage()
    const socket = await new Promise((resolve, reject) => {
      agent.createSocket(req, { host: '127.0.0.1', port }, (err, made) => err ? reject(err) : resolve(made))
    })
    socket.emit('timeout')
    assert.equal(socket.destroyed, false)
    socket.destroy()
  }
})

test('a kept list of agent.sockets or freeSockets is empty when its key is gone', async (t) => {
  const port = await server(t)
  const agent = agentFor(t)
  const done = pooled({ port, agent })
  const key = `127.0.0.1:${port}:`
  const active = agent.sockets[key]
  assert.equal(active.length, 1)
  await done
  const idle = agent.freeSockets[key]
  assert.deepEqual([Object.keys(agent.sockets), active.length, idle.length], [[], 0, 1])
  const [socket] = idle
  socket.destroy()
  await once(socket, 'close')
  assert.deepEqual([Object.keys(agent.freeSockets), idle.length], [[], 0])
})

for (const name of ['localAddress', 'family', 'socketPath']) {
  test(`an agent's ${name} of undefined removes the request's, in names too`, async (t) => {
    const port = await server(t)
    const agent = agentFor(t, { keepAlive: true, [name]: undefined })
    const done = pooled({ port, agent, localAddress: '127.0.0.1', family: 4, [name]: { localAddress: '127.0.0.1', family: 4 }[name] })
    assert.deepEqual(Object.keys(agent.sockets), [
      { localAddress: `127.0.0.1:${port}::4`, family: `127.0.0.1:${port}:127.0.0.1` }[name] ??
      `127.0.0.1:${port}:127.0.0.1:4`
    ])
    await done
  })
}
