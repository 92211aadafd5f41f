// SPDX-License-Identifier: MIT
//
// A server that responds before it has read the request, and closes: its response is
// delivered, although the rest of the request cannot be written.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const fs = require('node:fs')
const http = require('node:http')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { Writable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { test } = require('node:test')

const { Agent, hawserOnly } = require('../support/agent')
const { settled } = require('../support/events')
const { start } = require('../support/servers')

const MIB = 1024 * 1024
const BODY = 'x'.repeat(40 * 1024) // fits the client's first window: a reset drops what has not been sent
const TIMES = 20

const ends = {
  'closes with the request unread': (socket) => socket.destroySoon(),
  resets: (socket) => setImmediate(() => socket.resetAndDestroy()),
  'closes when some of the request has come': (socket) => socket.once('readable', () => {
    socket.read()
    socket.destroySoon()
  })
}

const answers = {
  'a short answer': ['HTTP/1.1 413 Payload Too Large\r\nContent-Length: 3\r\n\r\nno!', 'no!'],
  'an answer that closes': [
    'HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nno!', 'no!'],
  'a long answer': [
    `HTTP/1.1 413 Payload Too Large\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`, BODY],
  'a chunked answer': ['HTTP/1.1 413 Payload Too Large\r\nTransfer-Encoding: chunked\r\n\r\n' +
    '3\r\nno!\r\n0\r\n\r\n', 'no!']
}

async function server (t, answer, end) {
  return start(t, net.createServer((socket) => {
    socket.on('error', () => {})
    // The head has arrived. The writes are in flight when the connection ends.
    socket.once('data', () => {
      socket.pause()
      socket.write(answer, () => end(socket))
    })
  }))
}

function upload (port, agent, size) {
  const req = http.request({ host: '127.0.0.1', port, agent, method: 'POST' })
  const told = { errors: [], body: null, req }
  req.on('error', (err) => told.errors.push(err))
  req.on('response', (res) => {
    const chunks = []
    res.on('error', (err) => told.errors.push(err))
    res.on('data', (chunk) => chunks.push(chunk))
    res.on('end', () => { told.body = String(Buffer.concat(chunks)) })
  })
  const piece = Buffer.alloc(size, 'b')
  const more = () => {
    while (!req.destroyed && req.write(piece));
  }
  req.on('drain', more)
  more()
  return settled(req).then(() => told)
}

for (const [how, end] of Object.entries(ends)) {
  for (const [what, [answer, body]] of Object.entries(answers)) {
    test(`${what}, and the server ${how}`, { skip: hawserOnly }, async (t) => {
      const port = await server(t, answer, end)
      const agent = new Agent()
      t.after(() => agent.destroy())
      for (let i = 0; i < TIMES; i++) {
        const { errors, body: got } = await upload(port, agent, (i % 4 + 1) * 64 * 1024)
        assert.deepEqual(errors.map((err) => err.message), [], `upload ${i}`)
        assert.equal(got, body)
      }
      assert.equal(agent.totalSocketCount, 0, 'none is used again')
    })
  }
}

test('without a response the request fails with the error of the write', async (t) => {
  const port = await start(t, net.createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => { socket.pause().resetAndDestroy() })
  }))
  const agent = new Agent()
  t.after(() => agent.destroy())
  const { errors, body } = await upload(port, agent, 64 * 1024)
  assert.equal(body, null)
  assert.equal(errors.length, 1)
  assert.match(errors[0].message, /^(write EPIPE|(read|write) ECONNRESET)$/)
})

test('a truncated response fails once', async (t) => {
  const port = await server(t, 'HTTP/1.1 413 Payload Too Large\r\nContent-Length: 9\r\n\r\nno!',
    ends['closes with the request unread'])
  const agent = new Agent()
  t.after(() => agent.destroy())
  const { errors, body } = await upload(port, agent, MIB)
  assert.equal(body, null)
  assert.ok(errors.length > 0)
})

test('the callbacks of failed writes are called', { skip: hawserOnly }, async (t) => {
  const port = await server(t, answers['a short answer'][0], ends['closes with the request unread'])
  const agent = new Agent()
  t.after(() => agent.destroy())
  const req = http.request({ host: '127.0.0.1', port, agent, method: 'POST' })
  const called = new Promise((resolve) => {
    req.write(Buffer.alloc(32 * MIB), resolve)
  })
  req.on('error', () => {})
  const [res] = await once(req, 'response')
  res.resume()
  await called
})

test('a reset after a response that has been read closes the request', async (t) => {
  const sockets = []
  const port = await start(t, net.createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.once('data', () => socket.pause().write(answers['a short answer'][0]))
  }))
  const agent = new Agent({ maxSockets: 1 })
  t.after(() => agent.destroy())
  const req = http.request({ host: '127.0.0.1', port, agent, method: 'POST' })
  req.on('error', () => {}) // as with Node: the upload has failed
  req.write(Buffer.alloc(32 * MIB))
  const [res] = await once(req, 'response')
  res.resume()
  await once(res, 'end')
  const closed = settled(req)
  sockets[0].resetAndDestroy()
  await closed
  assert.equal(agent.totalSocketCount, 0)
})

// A user who reads nothing may be waiting for the request to be written.
test('an upload fails if its response is unread and too long for the buffer of its reader', async (t) => {
  const long = `HTTP/1.1 413 Payload Too Large\r\nContent-Length: ${4 * MIB}\r\n\r\n${'x'.repeat(4 * MIB)}`
  const sockets = []
  const port = await start(t, net.createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.once('data', () => { socket.pause().write(long) })
  }))
  const agent = new Agent({ maxSockets: 1 })
  t.after(() => agent.destroy())
  for (const delay of [process.nextTick, setImmediate]) {
    const req = http.request({ host: '127.0.0.1', port, agent, method: 'POST' })
    req.on('response', (res) => {
      res.on('error', () => {})
      delay(() => sockets.pop().resetAndDestroy())
    })
    const piece = Buffer.alloc(64 * 1024)
    await assert.rejects(pipeline(function * () { for (;;) yield piece }, req))
    await settled(req)
    assert.equal(agent.totalSocketCount, 0)
  }
})

test('an upload fails over a socket that is paused', async (t) => {
  const port = await server(t, answers['a short answer'][0], ends.resets)
  const agent = new Agent()
  t.after(() => agent.destroy())
  const req = http.request({ host: '127.0.0.1', port, agent, method: 'POST' })
  req.on('socket', (socket) => socket.once('connect', () => socket.pause()))
  req.on('response', (res) => res.on('error', () => {}))
  const piece = Buffer.alloc(64 * 1024)
  await assert.rejects(pipeline(function * () { for (;;) yield piece }, req))
  await settled(req)
  assert.equal(agent.totalSocketCount, 0)
})

// A user who has paused may be waiting for the request to be written. The peer is gone:
// what it has sent is no more than the kernel holds.
const LONG = 'x'.repeat(MIB)
const longAnswer = `HTTP/1.1 413 Payload Too Large\r\nContent-Length: ${MIB}\r\n\r\n${LONG}`

for (const [title, hold] of Object.entries({
  'has paused it': (res) => res.pause(),
  'listens for readable': (res) => res.on('readable', () => {}),
  'is a pipe that is full': (res) => res.pipe(new Writable({ write () {} })),
  'is an iterator that waits': (res) => {
    res.forEach(() => new Promise(() => {})).catch(() => {})
  },
  'has paused the socket': (res) => res.on('data', () => {}).socket.pause(),
  'does nothing yet': () => {}
})) {
  for (const [when, act] of [['at once', (hold, res) => hold(res)], ['later', setImmediate]]) {
    test(`an upload ends if the reader of a long response ${title}, ${when}`, async (t) => {
      const peers = []
      const port = await start(t, net.createServer((socket) => {
        peers.push(socket)
        socket.on('error', () => {})
        socket.once('data', () => { socket.pause().write(longAnswer) })
      }))
      const agent = new Agent({ maxSockets: 1 })
      t.after(() => agent.destroy())
      const req = http.request({ host: '127.0.0.1', port, agent, method: 'POST' })
      req.on('error', () => {})
      const closed = new Promise((resolve) => req.on('close', resolve))
      const called = new Promise((resolve) => req.write(Buffer.alloc(32 * MIB), resolve))
      const [res] = await once(req, 'response')
      res.on('error', () => {})
      act(hold, res)
      peers[0].resetAndDestroy()
      await Promise.all([called, closed])
      assert.equal(agent.totalSocketCount, 0)
    })
  }
}

// The write fails at once, then all of the response is read, and the end after it: over a
// Unix domain socket that is an error.
for (const [lane, listen] of [
  ['TCP', () => ({ host: '127.0.0.1', port: 0 })],
  ['a Unix domain socket', () => ({
    path: path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-')), 's')
  })]
]) {
  for (const [title, hold] of [['is not read', () => {}], ['is paused', (res) => res.pause()]]) {
    test(`an upload over ${lane} ends if its complete response ${title}, which can be read later`, async (t) => {
      const where = listen()
      const server = net.createServer({ pauseOnConnect: true })
      const port = await start(t, server, where)
      const agent = new Agent()
      t.after(() => agent.destroy())
      const to = where.path === undefined ? { host: where.host, port } : { socketPath: where.path }
      const req = http.request({ ...to, agent, method: 'POST' })
      req.flushHeaders()
      req.on('error', () => {})
      const closed = new Promise((resolve) => req.on('close', resolve))
      const [[peer]] = await Promise.all([once(server, 'connection'), once(req, 'socket')
        .then(([socket]) => once(socket, 'connect'))])
      const answered = once(req, 'response')
      peer.on('error', () => {}).write(answers['a short answer'][0])
      peer.destroy()
      const called = new Promise((resolve) => req.write('x', resolve))
      const [res] = await answered
      hold(res)
      await Promise.all([called, closed])
      assert.equal(agent.totalSocketCount, 0)
      assert.equal(String(await res.reduce((all, chunk) => all + chunk, '')), 'no!')
    })
  }
}
