// SPDX-License-Identifier: MIT
//
// createConnection may return any Duplex: methods of a socket that it lacks are not
// needed, and it is reused.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const { Duplex } = require('node:stream')
const { test } = require('node:test')

const { Agent, isHawser, hawserOnly } = require('../support/agent')
const { request, freed } = require('../support/request')
const { rawServer } = require('../support/servers')

const METHODS = ['setKeepAlive', 'ref', 'unref', 'setTimeout', 'destroySoon']

// A Duplex over a connection, with these methods of a socket's.
function tunnel (port, names) {
  const socket = net.connect(port, '127.0.0.1')
  const duplex = new Duplex({
    read () { socket.resume() },
    write (chunk, encoding, callback) { socket.write(chunk, encoding, callback) },
    final (callback) { socket.end(callback) },
    destroy (err, callback) { socket.destroy(err); callback(err) }
  })
  socket.on('data', (chunk) => { if (!duplex.push(chunk)) socket.pause() })
  socket.on('end', () => duplex.push(null))
  socket.on('error', (err) => duplex.destroy(err))
  for (const name of names) {
    duplex[name] = name === 'destroySoon'
      ? () => duplex.once('finish', () => duplex.destroy()).end()
      : (...args) => socket[name](...args)
  }
  return duplex
}

const all = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const last = 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'

for (const lacking of [...METHODS.map((name) => [name]), METHODS]) {
  for (const options of [{}, { timeout: 60000 }]) {
    test(`a Duplex without ${lacking}, ${JSON.stringify(options)}`, { skip: hawserOnly }, async (t) => {
      const port = await rawServer(t, (socket, text) => socket.write(text.includes('/last') ? last : all))
      const agent = new Agent({ maxSockets: 1, ...options })
      t.after(() => agent.destroy())
      let made = 0
      agent.createConnection = () => {
        made++
        return tunnel(port, METHODS.filter((name) => !lacking.includes(name)))
      }
      for (let i = 0; i < 3; i++) {
        const free = freed(agent)
        const { body, req } = await request({ port, agent, timeout: 50000 })
        assert.equal(String(body), 'ok')
        assert.equal(req.reusedSocket, i > 0)
        await free
      }
      await Promise.all([request({ port, agent }), request({ port, agent })]) // handed over
      assert.equal(made, 1)
      const { req } = await request({ port, agent, path: '/last' })
      if (!req.socket.closed) await once(req.socket, 'close')
      assert.equal(agent.totalSocketCount, 0)
      assert.deepEqual(Object.keys(req.socket).filter((name) => lacking.includes(name)), [])
    })
  }
}

for (const [what, createConnection] of [
  ['a promise', async () => {}],
  ['a frozen object', () => Object.freeze({})],
  ['nothing, by callback', (options, callback) => { callback(null, undefined) }],
  ['a string', () => 'socket']
]) {
  test(`a createConnection that gives ${what} fails its request, and takes no place`, { skip: hawserOnly }, async (t) => {
    const port = await rawServer(t, (socket) => socket.write(last))
    const agent = new Agent({ maxSockets: 1 })
    t.after(() => agent.destroy())
    const invalid = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }
    agent.createConnection = createConnection
    await assert.rejects(request({ port, agent }), invalid)
    assert.equal(agent.totalSocketCount, 0)
    agent.createConnection = () => net.connect(port, '127.0.0.1')
    const first = request({ port, agent })
    agent.createConnection = createConnection
    const waiting = [request({ port, agent }), request({ port, agent })]
    await first
    for (const each of waiting) await assert.rejects(each, invalid)
    agent.createConnection = () => net.connect(port, '127.0.0.1')
    assert.equal(String((await request({ port, agent })).body), 'ok')
  })
}

test('a createConnection that gives a socket of the pool once more', { skip: hawserOnly }, async (t) => {
  const port = await rawServer(t, (socket) => socket.write(all))
  const agents = [new Agent({ maxTotalSockets: 2 }), new Agent({ maxTotalSockets: 2 })]
  const socket = net.connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  for (const agent of agents) agent.createConnection = () => socket
  const local = { localAddress: '127.0.0.1' } // another origin, to the pool
  for (const [agent, options] of [[0, {}], [0, local], [1, {}], [0, {}], [1, local], [1, {}]]) {
    const free = freed(agents[agent])
    const { body } = await request({ port, agent: agents[agent], ...options })
    assert.equal(String(body), 'ok')
    await free
    assert.deepEqual(agents.map((each) => each.totalSocketCount), agent === 0 ? [1, 0] : [0, 1])
  }
  socket.destroy()
  await once(socket, 'close')
  await new Promise(setImmediate)
  assert.deepEqual(agents.map((each) => each.totalSocketCount), [0, 0])
})

// As in a proxy agent: the socket of a CONNECT over this agent belongs to another.
for (const options of [{ keepAlive: true }, { keepAlive: false }]) {
  test(`createConnection gives the socket of a CONNECT over an agent with ${JSON.stringify(options)}`, async (t) => {
    const port = await rawServer(t, (socket, text) => {
      socket.write(text.startsWith('CONNECT') ? 'HTTP/1.1 200 OK\r\n\r\n' : all)
    })
    let made = 0
    const through = new Agent(options)
    const agent = new Agent({ maxSockets: 1, ...(isHawser && { freeSocketTimeout: 100 }) })
    t.after(() => { agent.destroy() })
    agent.createConnection = (_, callback) => {
      made++
      http.request({ host: '127.0.0.1', port, method: 'CONNECT', path: 'a.test:80', agent: through })
        .on('connect', (res, socket) => callback(null, socket)).on('error', callback).end()
    }
    let socket
    for (const reused of [false, true, true]) {
      const free = freed(agent)
      const { req, body } = await request({ port, agent })
      assert.deepEqual([String(body), req.reusedSocket, made], ['ok', reused, 1])
      await free
      ;[socket] = agent.freeSockets[`127.0.0.1:${port}:`]
      assert.equal(socket._handle.hasRef(), false)
    }
    if (!isHawser) return
    await once(socket, 'close') // its idle timeout has expired
    await new Promise(setImmediate)
    assert.equal(agent.totalSocketCount, 0)
    const free = freed(agent)
    await request({ port, agent })
    await free
    ;[socket] = agent.freeSockets[`127.0.0.1:${port}:`]
    socket.removeAllListeners('close')
    socket.destroy()
    await new Promise(setImmediate)
    await new Promise(setImmediate)
    assert.equal(agent.totalSocketCount, 0)
  })
}
