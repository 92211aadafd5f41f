// SPDX-License-Identifier: MIT
//
// 'agentRemove' at every moment of a connection's life. A request that has the
// socket, or is about to get it, continues unaffected; afterwards the socket stays
// open and the agent no longer manages it. The same with Node's own agent.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const { test } = require('node:test')

const { Agent, isHawser } = require('../support/agent')
const { record, settled } = require('../support/events')
const { rawServer } = require('../support/servers')

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

// A server that answers, and says 'more' on a connection when `say` is called.
async function server (t) {
  const seen = { sockets: [], answered: 0 }
  seen.port = await rawServer(t, (socket) => {
    seen.answered++
    socket.write(OK)
  }, (socket) => seen.sockets.push(socket))
  return seen
}

const lanes = {
  fast: (agent) => agent,
  node: (agent) => Object.assign(agent, { createConnection: (options) => net.connect(options) })
}

const remove = (socket) => socket.emit('agentRemove')
const get = (port, agent) => http.get({ host: '127.0.0.1', port, agent })

// Each returns the request whose socket it has had removed.
const moments = {
  "in createSocket's callback" (port, agent) {
    const { createSocket } = agent
    agent.createSocket = function (req, options, callback) {
      createSocket.call(this, req, options, (err, socket) => {
        remove(socket)
        callback(err, socket)
      })
    }
    return get(port, agent)
  },
  'right after http.get()' (port, agent) {
    const req = get(port, agent)
    remove(Object.values(agent.sockets)[0][0])
    return req
  },
  'in a tick after http.get()' (port, agent) {
    const req = get(port, agent)
    process.nextTick(() => remove(Object.values(agent.sockets)[0][0]))
    return req
  },
  "on 'socket'": (port, agent) => get(port, agent).on('socket', remove),
  "on 'finish'" (port, agent) {
    const req = get(port, agent)
    return req.on('finish', () => remove(req.socket))
  },
  "on the socket's 'connect'" (port, agent) {
    return get(port, agent).on('socket', (socket) => socket.once('connect', () => remove(socket)))
  },
  "on 'response'" (port, agent) {
    return get(port, agent).on('response', (res) => remove(res.socket))
  },
  'right after http.get() over a used connection' (port, agent, t, seen) {
    return used(port, agent).then((socket) => {
      const req = get(port, agent)
      remove(socket)
      return req
    })
  },
  "in a 'free' listener, for the request that waits" (port, agent) {
    agent.maxSockets = 1
    get(port, agent).on('response', (res) => res.resume())
    agent.once('free', remove)
    return get(port, agent)
  },
  "in a 'free' listener before the agent's own, for a request that a connection is made for" (port, agent) {
    agent.maxSockets = 1
    get(port, agent).on('error', () => {}).on('socket', (socket) => socket.destroy())
    agent.prependOnceListener('free', remove)
    return get(port, agent)
  }
}

async function used (port, agent) {
  const [res] = await once(get(port, agent), 'response')
  const free = once(agent, 'free')
  res.resume()
  const [socket] = await free
  return socket
}

// The new owner can write to the socket and read from it.
function speak (socket) {
  return new Promise((resolve) => {
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
      if (text === OK) resolve()
    })
    socket.write('GET / HTTP/1.1\r\n\r\n')
  })
}

for (const [lane, make] of Object.entries(lanes)) {
  for (const [when, begin] of Object.entries(moments)) {
    const skip = !isHawser && when.includes("agent's own") && 'Node counts it as idle'
    test(`agentRemove ${when}, ${lane} lane`, { skip }, async (t) => {
      const seen = await server(t)
      const agent = make(new Agent())
      t.after(() => agent.destroy())
      const req = await begin(seen.port, agent)
      const events = record(req)
      const [socket] = req.socket ? [req.socket] : await once(req, 'socket')
      t.after(() => socket.destroy())
      await settled(req)
      assert.equal(events.some((event) => event.startsWith('error')), false, String(events))
      assert.equal(events.filter((event) => event === 'res end').length, 1)
      assert.equal(events.filter((event) => event === 'close').length, 1)
      assert.equal(agent.totalSocketCount, 0)
      assert.deepEqual([Object.keys(agent.sockets), Object.keys(agent.freeSockets)], [[], []])
      assert.equal(socket.destroyed, false)
      await speak(socket)
      const ended = once(socket, 'end')
      for (const peer of seen.sockets) peer.end()
      await ended
    })
  }

  const guarded = !isHawser && "Node's guard destroys it, from 22.23 on"
  test(`agentRemove of an idle connection, ${lane} lane: what it reads is its owner's`, { skip: guarded }, async (t) => {
    const seen = await server(t)
    const agent = make(new Agent())
    const socket = await used(seen.port, agent)
    t.after(() => socket.destroy())
    while (Object.keys(agent.freeSockets).length === 0) await new Promise(setImmediate)
    remove(socket)
    assert.equal(agent.totalSocketCount, 0)
    await speak(socket)
    assert.equal(socket.destroyed, false)
  })

  test(`agentRemove of an idle connection, ${lane} lane, right after its end`, async (t) => {
    const seen = await server(t)
    const agent = make(new Agent())
    t.after(() => agent.destroy())
    const socket = await used(seen.port, agent)
    t.after(() => socket.destroy())
    while (Object.keys(agent.freeSockets).length === 0) await new Promise(setImmediate)
    const [peer] = seen.sockets
    const ended = once(peer.resume(), 'end')
    socket.end()
    remove(socket)
    await ended
  })

  test(`agentRemove of an idle connection, ${lane} lane: its reset is not an error`, async (t) => {
    const seen = await server(t)
    const agent = make(new Agent())
    const socket = await used(seen.port, agent)
    while (Object.keys(agent.freeSockets).length === 0) await new Promise(setImmediate)
    remove(socket)
    seen.sockets[0].resetAndDestroy()
    await new Promise((resolve) => socket.on('close', resolve)) // an 'error' is uncaught
    assert.equal(agent.totalSocketCount, 0)
  })

  for (const [event, options] of [['socket', {}], ['response', {}], ['response', { timeout: 60_000 }]]) {
    test(`agentRemove on '${event}', ${JSON.stringify(options)}, ${lane} lane: the response emits its timeout`, async (t) => {
      const port = await rawServer(t, (socket) => socket.write(OK.slice(0, -1)),
        (socket) => { peer = socket })
      let peer
      const agent = make(new Agent())
      const req = http.get({ host: '127.0.0.1', port, agent, ...options })
      req.on('socket', (socket) => t.after(() => socket.destroy()))
      req.on(event, () => remove(req.socket))
      const [res] = await once(req, 'response')
      const { socket } = res
      res.setTimeout(10)
      await once(res, 'timeout')
      res.setTimeout(0)
      peer.write('k')
      res.resume()
      await once(res, 'end')
      await settled(req)
      assert.equal(socket.listenerCount('timeout'), 0)
    })
  }

  test(`agentRemove while it connects, and no request then, ${lane} lane`, async (t) => {
    const seen = await server(t)
    const agent = make(new Agent())
    const { createSocket } = agent
    const got = new Promise((resolve) => {
      agent.createSocket = function (req, options) {
        createSocket.call(this, req, options, (err, socket) => {
          remove(socket)
          resolve([socket, err])
        })
      }
    })
    const req = get(seen.port, agent).on('error', () => {}) // never sent
    const [socket] = await got
    t.after(() => socket.destroy())
    assert.equal(agent.totalSocketCount, 0)
    await speak(socket)
    req.destroy()
  })

  test(`agentRemove, and the request is given up before it has the socket, ${lane} lane`, async (t) => {
    const seen = await server(t)
    const agent = make(new Agent())
    await used(seen.port, agent)
    while (Object.keys(agent.freeSockets).length === 0) await new Promise(setImmediate)
    const req = get(seen.port, agent)
    const events = record(req)
    const [socket] = Object.values(agent.sockets)[0]
    t.after(() => socket.destroy())
    remove(socket)
    req.destroy()
    await settled(req)
    assert.deepEqual(events, ['error ECONNRESET: socket hang up', 'close'])
    await speak(socket)
  })
}

// A listener that runs before the agent's own makes the socket leave.
for (const [lane, make] of Object.entries(lanes)) {
  for (const event of ['close', 'free', 'timeout', 'agentRemove']) {
    test(`agentRemove in a listener for '${event}' before the agent's own, ${lane} lane`, async (t) => {
      const seen = await server(t)
      const agent = make(new Agent())
      t.after(() => agent.destroy())
      const socket = await used(seen.port, agent)
      await new Promise(setImmediate)
      t.after(() => socket.destroy())
      socket.prependOnceListener(event, () => remove(socket))
      if (event === 'close') {
        socket.destroy()
        await once(socket, 'close')
      } else {
        socket.emit(event)
      }
      await new Promise(setImmediate)
      if (isHawser) assert.equal(agent.totalSocketCount, 0) // Node counts it twice
    })
  }
}
