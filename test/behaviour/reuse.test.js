// SPDX-License-Identifier: MIT
//
// The life of a pooled connection as the user sees it: on the request, on the socket
// and in the agent's lists.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const { test } = require('node:test')

const { Agent, isHawser } = require('../support/agent')
const { record, settled } = require('../support/events')
const { request, freed } = require('../support/request')
const { scriptedServer } = require('../support/scripted-server')
const { httpServer } = require('../support/servers')

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

const [major, minor] = process.versions.node.split('.').map(Number)
// Since 22.23 and 24.17, Node closes an idle connection that receives bytes.
const guarded = isHawser || major > 24 || (major === 24 && minor >= 17) ||
  (major === 22 && minor >= 23)
// Node 20 has no agentKeepAliveTimeoutBuffer.
const buffered = isHawser || major > 20

function agentFor (t, options) {
  const agent = new Agent(options)
  t.after(() => agent.destroy())
  return agent
}

// Responds 'ok' and records the client's port and Connection header per request.
async function portServer (t) {
  const seen = { ports: [], connection: [] }
  seen.port = await httpServer(t, (req, res) => {
    seen.ports.push(req.socket.remotePort)
    seen.connection.push(req.headers.connection)
    res.end('ok')
  })
  return seen
}

// Sends a request and waits until its connection is free again.
async function pooled (options, body) {
  const free = freed(options.agent)
  const result = await request(options, body)
  await free
  return result
}

// Not once(): that would fail on 'error'.
const closed = (socket) => new Promise((resolve) => socket.once('close', resolve))

// All connections of the agent are closed, and their 'close' was emitted.
async function empty (agent) {
  while (agent.totalSocketCount > 0) await new Promise(setImmediate)
}

const count = (lists) => Object.values(lists).reduce((sum, list) => sum + list.length, 0)

test('the lists at each stage: asked, answered, ended, free, used again, destroyed', async (t) => {
  const { port } = await portServer(t)
  const agent = agentFor(t)
  const stage = () =>
    [count(agent.sockets), count(agent.freeSockets), count(agent.requests), agent.totalSocketCount]
  const once1 = async (before) => {
    const stages = {}
    assert.deepEqual(stage(), before)
    const free = freed(agent)
    const req = http.get({ host: '127.0.0.1', port, agent }, (res) => {
      stages.response = stage()
      res.on('end', () => { stages.end = stage() }).resume()
    })
    stages.asked = stage()
    req.on('close', () => { stages.close = stage() })
    agent.once('free', () => { stages.free = stage() }) // after Node's own listener
    await free
    assert.deepEqual(stages, {
      asked: [1, 0, 0, 1],
      response: [1, 0, 0, 1],
      end: [1, 0, 0, 1],
      close: [1, 0, 0, 1],
      free: [0, 1, 0, 1]
    })
  }
  await once1([0, 0, 0, 0])
  await once1([0, 1, 0, 1])
  agent.destroy()
  await empty(agent)
  assert.deepEqual(stage(), [0, 0, 0, 0])
})

test("the order at the end: the response's end, the request's close, free on socket and agent",
  async (t) => {
    const { port } = await portServer(t)
    const agent = agentFor(t)
    const events = []
    const free = freed(agent)
    agent.on('free', () => events.push('agent free'))
    const req = http.get({ host: '127.0.0.1', port, agent }, (res) => {
      res.on('end', () => events.push('res end')).resume()
    })
    req.on('close', () => events.push('req close'))
    req.on('socket', (socket) => socket.on('free', () => events.push('socket free')))
    await free
    assert.deepEqual(events, ['res end', 'req close', 'agent free', 'socket free'])
  })

test("'socket' brings the same object for a new and for a used connection, never at once",
  async (t) => {
    const { port } = await portServer(t)
    const agent = agentFor(t)
    const sockets = []
    for (let i = 0; i < 3; i++) {
      const free = freed(agent)
      const req = http.get({ host: '127.0.0.1', port, agent }, (res) => res.resume())
      let early = true
      req.on('socket', (socket) => {
        assert.equal(early, false)
        assert.equal(socket, req.socket)
        assert.equal(socket.connecting, i === 0)
        sockets.push(socket)
      })
      early = false
      await free
    }
    assert.equal(new Set(sockets).size, 1)
  })

test('reusedSocket is false for the first request and true afterwards', async (t) => {
  const { port, ports } = await portServer(t)
  const agent = agentFor(t)
  const reused = []
  for (let i = 0; i < 4; i++) reused.push((await pooled({ port, agent })).req.reusedSocket)
  assert.deepEqual(reused, [false, true, true, true])
  assert.equal(new Set(ports).size, 1)
})

test('the socket has its local and remote address', async (t) => {
  const { port, ports } = await portServer(t)
  const agent = agentFor(t)
  for (let i = 0; i < 2; i++) {
    const free = freed(agent)
    const req = http.get({ host: '127.0.0.1', port, agent })
    const [res] = await once(req, 'response')
    const { socket } = res
    assert.equal(socket, req.socket)
    assert.equal(res.connection, socket)
    assert.ok(socket instanceof net.Socket)
    assert.equal(socket.remoteAddress, '127.0.0.1')
    assert.equal(socket.remotePort, port)
    assert.equal(socket.remoteFamily, 'IPv4')
    assert.equal(socket.localAddress, '127.0.0.1')
    assert.equal(socket.localPort, ports[i])
    assert.equal(socket.localFamily, 'IPv4')
    assert.deepEqual(socket.address(), { address: '127.0.0.1', family: 'IPv4', port: ports[i] })
    assert.equal(socket.connecting, false)
    assert.equal(socket.pending, false)
    assert.equal(socket.destroyed, false)
    assert.equal(socket.readyState, 'open')
    res.resume()
    await free
    assert.equal(res.socket, null) // it belongs to the pool now
    assert.equal(req.socket, socket)
  }
})

test('bytesWritten and bytesRead accumulate over all requests of a connection', async (t) => {
  const { port } = await scriptedServer(t, () => ({ pieces: [OK] }))
  const agent = agentFor(t)
  const { req } = await pooled({ port, agent })
  const { bytesWritten, bytesRead } = req.socket
  assert.equal(bytesRead, OK.length)
  const head = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: keep-alive\r\n\r\n`
  assert.equal(bytesWritten, head.length)
  await pooled({ port, agent })
  assert.equal(req.socket.bytesRead, 2 * bytesRead)
  assert.equal(req.socket.bytesWritten, 2 * bytesWritten)
})

test('what the request looks like on the wire', async (t) => {
  const { port, requests } = await scriptedServer(t, () => ({ pieces: [OK] }))
  const agent = agentFor(t)
  await pooled({ port, agent, path: '/a?b=c', headers: { 'X-Own': 'caf\xe9', 'X-Two': ['1', '2'] } })
  await pooled({ port, agent, method: 'DELETE', setHost: false })
  assert.deepEqual(requests.map(({ text }) => text), [
    'GET /a?b=c HTTP/1.1\r\nX-Own: caf\xe9\r\nX-Two: 1\r\nX-Two: 2\r\n' +
      `Host: 127.0.0.1:${port}\r\nConnection: keep-alive\r\n\r\n`,
    'DELETE / HTTP/1.1\r\nConnection: keep-alive\r\n\r\n'
  ])
})

test('listeners do not accumulate on a connection', async (t) => {
  const { port } = await portServer(t)
  const agent = agentFor(t)
  const listeners = (socket) => socket.eventNames().map((name) =>
    `${String(name)} ${socket.listenerCount(name)}`).sort()
  const { req } = await pooled({ port, agent, timeout: 60000 })
  const before = listeners(req.socket)
  for (let i = 0; i < 30; i++) await pooled({ port, agent, timeout: 60000 })
  assert.deepEqual(listeners(req.socket), before)
})

for (const [title, head, kept] of [
  ['Connection: CLOSE', 'HTTP/1.1 200 OK\r\nConnection: CLOSE', false],
  ['Connection: foo, close', 'HTTP/1.1 200 OK\r\nConnection: foo, close', false],
  ['Connection: keep-alive', 'HTTP/1.1 200 OK\r\nConnection: keep-alive', true],
  ['Connection: foo', 'HTTP/1.1 200 OK\r\nConnection: foo', true],
  ['no Connection', 'HTTP/1.1 200 OK\r\nX: y', true],
  ['HTTP/1.0 and no Connection', 'HTTP/1.0 200 OK\r\nX: y', false],
  ['HTTP/1.0 and Connection: keep-alive', 'HTTP/1.0 200 OK\r\nConnection: keep-alive', true],
  ['Keep-Alive: timeout=0', 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=0', false],
  ['Keep-Alive: timeout=1, max=9', 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1, max=9', false],
  ['Keep-Alive: timeout=5', 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5', true],
  ['Keep-Alive: nonsense', 'HTTP/1.1 200 OK\r\nKeep-Alive: nonsense', true]
]) {
  test(`a response with ${title}: the connection is ${kept ? 'kept' : 'closed'}`, async (t) => {
    const server = await scriptedServer(t, () => ({ pieces: [`${head}\r\nContent-Length: 2\r\n\r\nok`] }))
    const agent = agentFor(t, { maxSockets: 1 })
    const both = [request({ port: server.port, agent }), request({ port: server.port, agent })]
    for (const { body } of await Promise.all(both)) assert.equal(String(body), 'ok')
    // A waiting request gets even a connection whose hint has expired.
    if (!head.includes('timeout=')) assert.equal(server.connections.length, kept ? 1 : 2)
    if (kept) {
      await new Promise(setImmediate)
      assert.equal(count(agent.freeSockets), 1)
    } else {
      await empty(agent)
    }
  })
}

// Node applies the hint only if the agent has a longer timeout itself.
test("the server's hint closes an idle connection, less agentKeepAliveTimeoutBuffer",
  { skip: !buffered && 'Node 20 has no agentKeepAliveTimeoutBuffer' }, async (t) => {
    const { port } = await scriptedServer(t, () => ({
      pieces: ['HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok']
    }))
    const agent = agentFor(t, { agentKeepAliveTimeoutBuffer: 950, timeout: 60000 })
    const { req } = await pooled({ port, agent })
    assert.equal(count(agent.freeSockets), 1)
    await closed(req.socket)
    assert.equal(agent.totalSocketCount, 0)
  })

test('a request that says Connection: close is not pooled, and the server receives the header', async (t) => {
  const { port, connection } = await portServer(t)
  const agent = agentFor(t)
  await request({ port, agent, headers: { Connection: 'close' } })
  assert.equal(count(agent.freeSockets), 0)
  await empty(agent)
  assert.deepEqual(connection, ['close'])
})

test('keepAlive: false sends close, but keep-alive if requests may wait for it', async (t) => {
  const { port, connection, ports } = await portServer(t)
  const one = agentFor(t, { keepAlive: false })
  await request({ port, agent: one })
  const two = agentFor(t, { keepAlive: false, maxSockets: 1 })
  await Promise.all([request({ port, agent: two }), request({ port, agent: two })])
  await empty(two)
  assert.deepEqual(connection, ['close', 'keep-alive', 'keep-alive'])
  assert.equal(ports[1], ports[2])
})

test('bytes after the response reach no request, and the connection is closed', async (t) => {
  const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'
  const server = await scriptedServer(t, (n) => ({ pieces: [n === 0 ? OK + evil : OK] }))
  const agent = agentFor(t, { maxSockets: 1 })
  const all = await Promise.all([1, 2, 3].map(() => request({ port: server.port, agent })))
  assert.deepEqual(all.map(({ body }) => String(body)), ['ok', 'ok', 'ok'])
  assert.equal(server.connections.length, 2)
})

test('bytes on an idle connection close it, and the next request gets another',
  { skip: !guarded && 'this Node takes them for the next response' }, async (t) => {
    const server = await scriptedServer(t, () => ({ pieces: [OK] }))
    const agent = agentFor(t)
    const { req } = await pooled({ port: server.port, agent })
    server.connections[0].write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')
    await closed(req.socket)
    assert.equal(agent.totalSocketCount, 0)
    const next = await request({ port: server.port, agent })
    assert.equal(String(next.body), 'ok')
    assert.equal(next.req.reusedSocket, false)
  })

for (const [title, act] of [
  ['closes', (socket) => socket.end()],
  ['resets', (socket) => socket.resetAndDestroy()]
]) {
  test(`a server that ${title} an idle connection: it leaves the pool without an error`, async (t) => {
    const server = await scriptedServer(t, () => ({ pieces: [OK] }))
    const agent = agentFor(t)
    const { req } = await pooled({ port: server.port, agent })
    const events = record(req)
    act(server.connections[0])
    await closed(req.socket)
    assert.equal(req.socket.destroyed, true)
    assert.deepEqual(events, [])
    assert.deepEqual(Object.keys(agent.freeSockets), [])
    assert.equal(agent.totalSocketCount, 0)
    assert.equal((await request({ port: server.port, agent })).req.reusedSocket, false)
  })
}

test('destroying an idle socket by hand takes it out of the pool', async (t) => {
  const { port } = await portServer(t)
  const agent = agentFor(t)
  const { req } = await pooled({ port, agent })
  const [[socket]] = Object.values(agent.freeSockets)
  assert.equal(socket, req.socket)
  socket.destroy()
  // At once: the next request must not get it.
  assert.equal((await request({ port, agent })).req.reusedSocket, false)
})

test('an error on an idle socket is not thrown', async (t) => {
  const { port } = await portServer(t)
  const agent = agentFor(t)
  const { req } = await pooled({ port, agent })
  req.socket.destroy(new Error('idle'))
  await empty(agent)
})

test('agent.destroy() closes idle connections and breaks those in use', async (t) => {
  const held = []
  const port = await httpServer(t, (req, res) => req.url === '/hold' ? held.push(res) : res.end())
  const agent = agentFor(t)
  const busy = http.get({ host: '127.0.0.1', port, agent, path: '/hold' })
  const events = record(busy)
  await pooled({ port, agent })
  while (held.length === 0) await new Promise(setImmediate)
  agent.destroy()
  agent.destroy()
  await settled(busy)
  await empty(agent)
  assert.deepEqual(events, ['socket', 'finish', 'error ECONNRESET: socket hang up', 'close'])
  assert.deepEqual(Object.keys(agent.sockets), [])
  assert.deepEqual(Object.keys(agent.freeSockets), [])
})

test('two agents do not share a connection', async (t) => {
  const { port, ports } = await portServer(t)
  await pooled({ port, agent: agentFor(t) })
  await pooled({ port, agent: agentFor(t) })
  assert.notEqual(ports[0], ports[1])
})

test('connections to several origins are kept side by side', async (t) => {
  const servers = [await portServer(t), await portServer(t), await portServer(t)]
  const agent = agentFor(t)
  for (let round = 0; round < 3; round++) {
    for (const { port } of servers) await pooled({ port, agent })
  }
  for (const { ports } of servers) assert.equal(new Set(ports).size, 1)
  assert.deepEqual(Object.keys(agent.freeSockets).sort(),
    servers.map(({ port }) => `127.0.0.1:${port}:`).sort())
  assert.equal(agent.totalSocketCount, 3)
})

test('maxFreeSockets 1 keeps one of four', async (t) => {
  const { port } = await portServer(t)
  const agent = agentFor(t, { maxFreeSockets: 1 })
  const all = await Promise.all([1, 2, 3, 4].map(() => request({ port, agent })))
  await Promise.all(all.map(({ req }) => settled(req)))
  assert.equal(count(agent.freeSockets), 1)
  const open = all.filter(({ req }) => !req.socket.destroyed)
  assert.equal(open.length, 1)
  assert.equal((await request({ port, agent })).req.socket, open[0].req.socket)
})

test('a POST after a GET after a HEAD after a POST, all on one connection', async (t) => {
  const ports = new Set()
  const port = await httpServer(t, async (req, res) => {
    ports.add(req.socket.remotePort)
    let text = ''
    for await (const chunk of req) text += chunk
    // Without framing Node would not keep the connection of a HEAD.
    if (req.method === 'HEAD') res.setHeader('Content-Length', 9)
    res.end(`${req.method} ${text}`)
  })
  const agent = agentFor(t)
  for (const [method, body, expected] of [
    ['POST', 'one', 'POST one'], ['HEAD', undefined, ''], ['GET', undefined, 'GET '],
    ['PUT', Buffer.from('two'), 'PUT two'], ['DELETE', undefined, 'DELETE ']
  ]) {
    const result = await pooled({ port, agent, method }, body)
    assert.equal(String(result.body), expected)
  }
  assert.equal(ports.size, 1)
})

test('a connection is not used again before its request is written', async (t) => {
  const server = await scriptedServer(t, () => ({ pieces: [OK] }))
  const agent = agentFor(t, { maxSockets: 1 })
  const req = http.request({
    host: '127.0.0.1', port: server.port, agent, method: 'POST', headers: { 'Content-Length': 0 }
  })
  req.flushHeaders()
  const [res] = await once(req, 'response')
  res.resume()
  await once(res, 'end')
  assert.equal(count(agent.freeSockets), 0)
  assert.equal(req.closed ?? false, false)
  const free = freed(agent)
  req.end()
  await free
  assert.equal(count(agent.freeSockets), 1)
})

test('the connection can be used by a request made in the end callback', async (t) => {
  const { port, ports } = await portServer(t)
  const agent = agentFor(t, { maxSockets: 1 })
  await new Promise((resolve, reject) => {
    let left = 20
    const next = () => {
      if (left-- === 0) return resolve()
      http.get({ host: '127.0.0.1', port, agent }, (res) => res.on('end', next).resume())
        .on('error', reject)
    }
    next()
  })
  assert.equal(new Set(ports).size, 1)
})

test('a reused connection gets the highWaterMark that the request asks for', {
  skip: !isHawser && major < 24 && 'Node does it from 24 on'
}, async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  const agent = agentFor(t, { maxSockets: 1 })
  for (const highWaterMark of [1000, 5000, 3]) {
    const free = freed(agent)
    const req = http.get({ host: '127.0.0.1', port, agent, highWaterMark })
    const [socket] = await once(req, 'socket')
    assert.equal(socket.writableHighWaterMark, highWaterMark)
    assert.equal(req.writableHighWaterMark, highWaterMark)
    const [res] = await once(req, 'response')
    res.resume()
    await free
  }
})
