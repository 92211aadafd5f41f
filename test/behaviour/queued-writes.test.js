// SPDX-License-Identifier: MIT
//
// Writes that the kernel does not accept at once: the server gets the bytes that were
// written, even if their memory changes or is freed meanwhile.
'use strict'

const assert = require('node:assert/strict')
const { createHash } = require('node:crypto')
const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const { test } = require('node:test')

const { Agent, hawserOnly } = require('../support/agent')
const { collect } = require('../support/collect')
const { start } = require('../support/servers')

const MIB = 1024 * 1024
const pressed = process.env.HAWSER_TEST_PRESSURE === '1'
const SIZE = pressed ? MIB / 2 : 12 * MIB // far more than the buffers of both kernels' ends take
const PIECES = pressed ? 150 : 1500

const hash = (data) => createHash('sha256').update(data).digest('hex')

// A server that reads nothing before read() is called. Its response is the
// hash of the request's body.
async function sleepyServer (t) {
  const sockets = []
  const server = net.createServer({ pauseOnConnect: true }, (socket) => sockets.push(socket))
  const port = await start(t, server)
  t.after(() => { for (const socket of sockets) socket.destroy() })
  return {
    port,
    read () {
      for (const socket of sockets) answer(socket).resume()
    }
  }
}

function answer (socket) {
  const sum = createHash('sha256')
  let left = null
  return socket.on('error', () => {}).on('data', (chunk) => {
    if (left === null) {
      const end = chunk.indexOf('\r\n\r\n') + 4 // the head is there: it was sent long ago
      left = Number(/content-length: (\d+)/i.exec(chunk.subarray(0, end))[1])
      chunk = chunk.subarray(end)
    }
    sum.update(chunk)
    left -= chunk.length
    if (left === 0) socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n${sum.digest('hex')}`)
  })
}

// Writes by `write` on a connection that is up, and lets the server read only
// when the memory that is no longer held has been collected and overwritten.
async function upload (t, length, write, meanwhile = () => {}) {
  const server = await sleepyServer(t)
  const agent = new Agent()
  t.after(() => agent.destroy())
  const req = http.request({ host: '127.0.0.1', port: server.port, agent, method: 'POST' })
  req.setHeader('content-length', length)
  req.flushHeaders()
  const [socket] = await once(req, 'socket')
  if (socket.connecting) await once(socket, 'connect')
  const answer = new Promise((resolve, reject) => {
    req.on('error', reject)
    req.on('response', (res) => res.setEncoding('latin1').once('data', resolve))
  })
  answer.catch(() => {}) // checked below
  write(req)
  await new Promise(setImmediate)
  collect()
  meanwhile(req)
  await new Promise(setImmediate)
  const others = Array.from({ length: 8 }, () => Buffer.alloc(SIZE, 'x'))
  collect()
  server.read()
  req.end()
  const got = await answer
  assert.equal(others.length, 8)
  return got
}

// Text of which each encoding makes SIZE bytes or so.
const DIGITS = '0123456789abcdef'.repeat(SIZE / 8)
for (const [encoding, text] of [
  ['hex', DIGITS],
  ['HEX', DIGITS],
  ['base64', DIGITS],
  ['base64url', DIGITS],
  ['ascii', DIGITS.slice(SIZE)],
  ['utf16le', DIGITS.slice(SIZE)],
  ['ucs2', DIGITS.slice(SIZE)],
  ['latin1', 'h\xe9'.repeat(SIZE / 2)],
  ['binary', 'h\xff'.repeat(SIZE / 2)],
  ['Latin1', 'h\xe9'.repeat(SIZE / 2)],
  ['utf8', '\xe9\u20ac\u{1f600}'.repeat(SIZE / 8)],
  ['utf-8', '\xe9\u20ac\u{1f600}'.repeat(SIZE / 8)],
  ['UTF-8', '\xe9\u20ac\u{1f600}'.repeat(SIZE / 8)],
  ['UTF8', '\xe9\u20ac\u{1f600}'.repeat(SIZE / 8)]
]) {
  test(`a queued string in ${encoding} arrives as it was`, async (t) => {
    const bytes = Buffer.from(text, encoding)
    assert.equal(await upload(t, bytes.length, (req) => req.write(text, encoding)), hash(bytes))
  })

  test(`many queued strings in ${encoding}, written as one`, async (t) => {
    const part = text.slice(0, 64 * 1024)
    const parts = Array.from({ length: PIECES }, (_, i) => part.slice(0, 8 * (i % 1000)))
    const bytes = Buffer.concat(parts.map((each) => Buffer.from(each, encoding)))
    const got = await upload(t, bytes.length, (req) => {
      req.socket.cork()
      for (const each of parts) req.write(each, encoding)
      req.socket.uncork()
    })
    assert.equal(got, hash(bytes))
  })
}

for (const [title, make] of [
  ['Buffer', (bytes) => Buffer.from(bytes)],
  ['Uint8Array', (bytes) => new Uint8Array(bytes)],
  ['Buffer on shared memory', (bytes) => {
    const shared = Buffer.from(new SharedArrayBuffer(bytes.length))
    shared.set(bytes)
    return shared
  }]
]) {
  test(`a queued ${title} that only the request holds`, async (t) => {
    const bytes = Buffer.alloc(SIZE, DIGITS.slice(0, 4096 + 1))
    assert.equal(await upload(t, SIZE, (req) => req.write(make(bytes))), hash(bytes))
  })
}

test('small and large pieces of every kind in one write', async (t) => {
  const pieces = ['head', Buffer.alloc(SIZE / 12, 'b'), 'h\xe9', Buffer.alloc(0), Buffer.alloc(SIZE / 4, 'c'),
    DIGITS.slice(0, SIZE / 12), Buffer.from('tail')]
  const bytes = Buffer.concat(pieces.map((piece) => Buffer.from(piece)))
  const got = await upload(t, bytes.length, (req) => {
    req.socket.cork()
    for (const piece of pieces) req.write(piece)
    req.socket.uncork()
  })
  assert.equal(got, hash(bytes))
})

// With Node's agent the kernel gets freed memory, or nothing at all.
for (const [title, lose] of [
  ['transferred', (chunk) => structuredClone(chunk, { transfer: [chunk.buffer] })],
  ['resized', (chunk) => chunk.buffer.resize(16)]
]) {
  test(`a queued chunk that is ${title} fails its request, and nothing else is sent`,
    { skip: hawserOnly }, async (t) => {
      const chunk = new Uint8Array(new ArrayBuffer(SIZE, { maxByteLength: SIZE })).fill(1)
      await assert.rejects(upload(t, SIZE, (req) => req.write(chunk), () => lose(chunk)), {
        code: 'ERR_INVALID_STATE', message: /was detached or made smaller/
      })
    })
}

test('a chunk that is transferred when all of it was taken does no harm', async (t) => {
  const chunk = new Uint8Array(1000).fill(1)
  const expected = hash(Buffer.from(chunk))
  assert.equal(await upload(t, 1000, (req) => req.write(chunk),
    () => structuredClone(chunk, { transfer: [chunk.buffer] })), expected)
})

test('the reported size of a queued write shrinks while it is sent', async (t) => {
  const server = await sleepyServer(t)
  const agent = new Agent()
  t.after(() => agent.destroy())
  const req = http.request({ host: '127.0.0.1', port: server.port, agent, method: 'POST' })
  req.setHeader('content-length', SIZE)
  req.flushHeaders()
  const [socket] = await once(req, 'socket')
  if (socket.connecting) await once(socket, 'connect')
  const head = socket.bytesWritten
  req.write(Buffer.alloc(SIZE))
  await new Promise(setImmediate) // it was corked for this tick
  assert.equal(socket.bytesWritten, head + SIZE, 'what was given to the connection')
  const queued = socket._handle.writeQueueSize
  assert.ok(queued > 0 && queued < SIZE, `${queued} of ${SIZE}`)
  server.read()
  const [res] = await once(req, 'response')
  assert.equal(socket._handle.writeQueueSize, 0)
  assert.equal(socket.bytesWritten, head + SIZE)
  res.resume()
  req.end()
  await once(res, 'end')
})

test('more pieces than one call takes, all of which fit', async (t) => {
  const pieces = Array.from({ length: 3000 }, (_, i) => i % 2 === 0 ? 'a' : Buffer.from('b'))
  const bytes = Buffer.concat(pieces.map((piece) => Buffer.from(piece)))
  const got = await upload(t, bytes.length, (req) => {
    req.socket.cork()
    for (const piece of pieces) req.write(piece)
    req.socket.uncork()
  })
  assert.equal(got, hash(bytes))
})

// The callbacks of two writes, the first of which the kernel does not take whole,
// when their connection ends as `end` does it.
async function heard (t, agent, end) {
  const peers = []
  const server = net.createServer({ pauseOnConnect: true }, (socket) => peers.push(socket))
  const port = await start(t, server)
  t.after(() => agent.destroy())
  const req = http.request({ host: '127.0.0.1', port, agent, method: 'POST' })
  const log = []
  req.on('error', (err) => log.push(`error ${err.code} ${err.message}`))
  const closed = new Promise((resolve) => req.on('close', () => resolve(log.push('close'))))
  req.flushHeaders()
  const [socket] = await once(req, 'socket')
  await Promise.all([once(socket, 'connect'), once(server, 'connection')])
  const written = [1, 2].map((n) => new Promise((resolve) => {
    req.write(Buffer.alloc(12 * MIB), (err) => resolve(log.push(`write ${n} ${err?.code}`)))
  }))
  await new Promise(setImmediate) // it was corked for this tick
  end({ req, peer: peers[0].on('error', () => {}) })
  await Promise.all([...written, closed])
  return log
}

for (const [title, end] of Object.entries({
  'is reset by the peer': ({ peer }) => peer.resetAndDestroy(),
  'is closed by a peer that has not read all': ({ peer }) => peer.destroy(),
  'is ended by the peer': ({ peer }) => peer.end(),
  'is destroyed': ({ req }) => req.socket.destroy(),
  'is destroyed with an error': ({ req }) => req.destroy(new Error('mine')),
  'is reset': ({ req }) => req.socket.resetAndDestroy()
})) {
  test(`the callbacks of queued writes whose connection ${title}`, async (t) => {
    const expected = await heard(t, new http.Agent({ keepAlive: true }), end)
    assert.deepEqual(await heard(t, new Agent(), end), expected)
  })
}
