// SPDX-License-Identifier: MIT
//
// The listeners that programs find on a request's socket. node-fetch 2 uses the one
// for 'data' to find out whether a chunked response was truncated.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const { test } = require('node:test')

const { Agent } = require('../support/agent')
const { freed } = require('../support/request')
const { httpServer, start } = require('../support/servers')

function listening (socket) {
  const count = socket.listenerCount('data')
  assert.equal(socket.listeners('data').length, count)
  for (const listener of socket.listeners('data')) assert.equal(typeof listener, 'function')
  return count
}

test("a socket has a listener for 'data' until the response is complete", async (t) => {
  const answers = []
  const port = await httpServer(t, (req, res) => {
    res.write('begun')
    answers.push(res)
  })
  const agent = new Agent()
  t.after(() => agent.destroy())
  for (let i = 0; i < 2; i++) {
    const free = freed(agent)
    const req = http.get({ port, agent, host: '127.0.0.1' })
    const [socket] = await once(req, 'socket')
    assert.equal(listening(socket), 1)
    const [res] = await once(req, 'response')
    assert.equal(listening(socket), 1)
    const ended = once(res.resume(), 'end').then(() => listening(socket))
    const closed = once(res, 'close').then(() => listening(socket))
    answers[i].end()
    assert.deepEqual([await ended, await closed], [0, 0])
    await free
    assert.equal(listening(socket), 0)
  }
})

test('a socket that closes with a complete response has none', async (t) => {
  const port = await httpServer(t, (req, res) => {
    res.shouldKeepAlive = false
    res.end('all of it')
  })
  const agent = new Agent()
  const req = http.get({ port, agent, host: '127.0.0.1' })
  const [res] = await once(req, 'response')
  const { socket } = res
  assert.equal(listening(socket), 0)
  const closed = once(res.resume(), 'close').then(() => listening(socket))
  assert.equal(await closed, 0)
})

test('a socket that closed has kept it: the response was truncated', async (t) => {
  const port = await httpServer(t, (req, res) => {
    res.write('begun', () => req.socket.end())
  })
  const agent = new Agent()
  t.after(() => agent.destroy())
  const req = http.get({ port, agent, host: '127.0.0.1' })
  const [res] = await once(req, 'response')
  const { socket } = res
  const closed = new Promise((resolve) => res.on('close', () => resolve(listening(socket))))
  await once(res.resume(), 'error')
  assert.equal(await closed, 1)
  assert.equal(listening(socket), 1)
})

test('a socket that was reset, or that sent garbage, has none', async (t) => {
  for (const how of ['reset', 'nonsense']) {
    let peer
    const port = await httpServer(t, (req, res) => {
      peer = req.socket
      res.write('begun')
    })
    const agent = new Agent()
    const req = http.get({ port, agent, host: '127.0.0.1' })
    const [res] = await once(req, 'response')
    const { socket } = res
    const failed = once(req, 'error')
    res.on('error', () => {})
    const closed = new Promise((resolve) => res.on('close', () => resolve(listening(socket))))
    res.resume()
    if (how === 'reset') peer.resetAndDestroy()
    else peer.end('5\r\nnonsense')
    await failed
    assert.equal(await closed, 0)
  }
})

test('an upgraded socket has none but the user\'s', async (t) => {
  const server = http.createServer().on('upgrade', (req, socket) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'))
  const port = await start(t, server)
  const agent = new Agent()
  const headers = { Connection: 'Upgrade', Upgrade: 'x' }
  const req = http.get({ port, agent, host: '127.0.0.1', headers })
  const [, socket] = await once(req, 'upgrade')
  t.after(() => socket.destroy())
  assert.equal(listening(socket), 0)
  socket.on('data', () => {})
  assert.equal(listening(socket), 1)
})
