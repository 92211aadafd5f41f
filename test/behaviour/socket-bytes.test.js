// SPDX-License-Identifier: MIT
//
// What a program sees of the bytes on a request's socket: all of them with a 'data'
// listener, as in node-fetch 3, and their number.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const { test } = require('node:test')

const { Agent } = require('../support/agent')
const { request, freed } = require('../support/request')
const { scriptedServer } = require('../support/scripted-server')
const { start } = require('../support/servers')

const HELLO = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
const PIECES = [
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel',
  'lo\r\n0\r\n',
  '\r\n'
]

function newAgent (t, options) {
  const agent = new Agent(options)
  t.after(() => agent.destroy())
  return agent
}

// Reads the response and, with each way of listening, the socket's bytes.
async function listen (t, how, pieces) {
  const { port } = await scriptedServer(t, () => ({ pieces }))
  const req = http.get({ port, host: '127.0.0.1', agent: newAgent(t) })
  const seen = []
  req.on('socket', (socket) => socket[how]('data', (chunk) => seen.push(String(chunk))))
  const [res] = await once(req, 'response')
  let body = ''
  res.on('data', (chunk) => { body += chunk })
  await once(res, 'end')
  assert.equal(body, 'hello')
  return seen
}

for (const how of ['on', 'addListener', 'prependListener']) {
  test(`${how}('data') on the socket sees each piece of a response`, async (t) => {
    assert.deepEqual(await listen(t, how, PIECES), PIECES)
  })
}

for (const how of ['once', 'prependOnceListener']) {
  test(`${how}('data') on the socket sees the first piece`, async (t) => {
    assert.deepEqual(await listen(t, how, PIECES), PIECES.slice(0, 1))
  })
}

test('the bytes come after the response that they begin', async (t) => {
  const { port } = await scriptedServer(t, () => ({ pieces: [HELLO] }))
  const req = http.get({ port, host: '127.0.0.1', agent: newAgent(t) })
  const events = []
  req.on('socket', (socket) => socket.on('data', () => events.push('data')))
  req.on('response', () => events.push('response'))
  const [res] = await once(req, 'response')
  await once(res.resume(), 'end')
  assert.deepEqual(events, ['response', 'data'])
})

test('a listener stays on the socket: it sees the next responses, until it is removed', async (t) => {
  const { port } = await scriptedServer(t, () => ({ pieces: [HELLO] }))
  const agent = newAgent(t, { maxSockets: 1 })
  const seen = []
  const listener = (chunk) => seen.push(String(chunk))
  let socket
  agent.once('free', (freeSocket) => {
    socket = freeSocket
    socket.on('data', listener)
  })
  for (let i = 0; i < 4; i++) {
    const free = freed(agent)
    await request({ port, agent })
    await free
    if (i === 2) socket.removeListener('data', listener)
  }
  assert.deepEqual(seen, [HELLO, HELLO])
})

test('megabytes arrive complete, also if the body is read slowly', async (t) => {
  const size = 3e6
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`
  const { port } = await scriptedServer(t, () => ({ pieces: [head, Buffer.alloc(size, 'x')] }))
  const req = http.get({ port, host: '127.0.0.1', agent: newAgent(t) })
  let bytes = 0
  req.on('socket', (socket) => socket.on('data', (chunk) => { bytes += chunk.length }))
  const [res] = await once(req, 'response')
  let body = 0
  for await (const chunk of res) {
    body += chunk.length
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal(body, size)
  assert.equal(bytes, head.length + size)
})

test('bytesRead and bytesWritten continue to count after an upgrade', async (t) => {
  const answer = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'
  const server = http.createServer().on('upgrade', (req, socket) => {
    socket.write(answer)
    socket.on('data', (chunk) => socket.write(chunk))
    socket.on('error', () => {}) // the client goes away
  })
  const port = await start(t, server)
  const headers = { Connection: 'Upgrade', Upgrade: 'x' }
  const req = http.get({ port, host: '127.0.0.1', agent: newAgent(t), headers })
  const [, socket] = await once(req, 'upgrade')
  t.after(() => socket.destroy())
  const sent = socket.bytesWritten
  assert.equal(socket.bytesRead, answer.length)
  assert.ok(sent > 0)
  socket.write('twelve bytes')
  await once(socket, 'data')
  assert.equal(socket.bytesRead, answer.length + 12)
  assert.equal(socket.bytesWritten, sent + 12)
  socket.destroy()
  await once(socket, 'close')
  assert.equal(socket.bytesRead, answer.length + 12)
})
