// SPDX-License-Identifier: MIT
//
// Request bodies, response bodies, and back-pressure both ways.
'use strict'

const assert = require('node:assert/strict')
const { createHash, randomBytes } = require('node:crypto')
const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const { Readable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { test } = require('node:test')

const { Agent } = require('../support/agent')
const { request, freed } = require('../support/request')
const { httpServer, start } = require('../support/servers')

const hash = (data) => createHash('sha256').update(data).digest('hex')

// Responds with what it received: framing, hash and trailers.
function mirror (t) {
  return httpServer(t, (req, res) => {
    const sum = createHash('sha256')
    req.on('data', (chunk) => sum.update(chunk)).on('end', () => {
      res.end(JSON.stringify({
        method: req.method,
        length: req.headers['content-length'],
        encoding: req.headers['transfer-encoding'],
        hash: sum.digest('hex'),
        trailers: req.trailers
      }))
    })
  })
}

async function send (options, write) {
  const req = http.request({ host: '127.0.0.1', method: 'POST', ...options })
  const response = once(req, 'response')
  write(req)
  const [res] = await response
  let text = ''
  for await (const chunk of res) text += chunk
  return JSON.parse(text)
}

for (const [title, write, expected] of [
  ['a string', (req) => req.end('h\xe9llo'), { length: '6', hash: hash('h\xe9llo') }],
  ['a latin1 string', (req) => req.end('h\xe9llo', 'latin1'),
    { length: '5', hash: hash(Buffer.from('h\xe9llo', 'latin1')) }],
  ['a base64 string', (req) => req.end('aGk=', 'base64'), { length: '2', hash: hash('hi') }],
  ['a Buffer', (req) => req.end(Buffer.from('buffer')), { length: '6', hash: hash('buffer') }],
  ['nothing', (req) => req.end(), { length: '0', hash: hash('') }],
  ['pieces of several kinds, chunked', (req) => {
    req.write('a\u20ac')
    req.write(Buffer.from('b'))
    req.write('c', 'latin1')
    req.end(new Uint8Array([100]))
  }, { encoding: 'chunked', hash: hash('a\u20acbcd') }],
  ['pieces with Content-Length', (req) => {
    req.setHeader('Content-Length', 4)
    req.write('ab')
    setImmediate(() => req.end('cd'))
  }, { length: '4', hash: hash('abcd') }],
  ['trailers', (req) => {
    req.setHeader('Trailer', 'X-T')
    req.write('x')
    req.addTrailers({ 'X-T': 'y' })
    req.end()
  }, { encoding: 'chunked', hash: hash('x'), trailers: { 'x-t': 'y' } }],
  ['flushHeaders() first', (req) => {
    req.flushHeaders()
    req.end('x')
  }, { encoding: 'chunked', hash: hash('x') }],
  ['corked pieces', (req) => {
    req.cork()
    for (let i = 0; i < 3000; i++) req.write('0123456789')
    req.uncork()
    req.end()
  }, { encoding: 'chunked', hash: hash('0123456789'.repeat(3000)) }]
]) {
  test(`POST of ${title}`, async (t) => {
    const port = await mirror(t)
    const agent = new Agent({ maxSockets: 1 })
    t.after(() => agent.destroy())
    for (let i = 0; i < 2; i++) { // on a new and on a used connection
      const free = freed(agent)
      assert.deepEqual(await send({ port, agent }, write),
        { method: 'POST', trailers: {}, ...expected })
      await free
    }
  })
}

test('a 5 MB upload in one piece, in many, and from a stream arrives whole', async (t) => {
  const port = await mirror(t)
  const agent = new Agent()
  t.after(() => agent.destroy())
  const data = randomBytes(5 * 1024 * 1024)
  const expected = hash(data)
  assert.equal((await send({ port, agent }, (req) => req.end(data))).hash, expected)
  assert.equal((await send({ port, agent }, (req) => {
    for (let at = 0; at < data.length; at += 10000) req.write(data.subarray(at, at + 10000))
    req.end()
  })).hash, expected)
  assert.equal((await send({ port, agent }, (req) => {
    const pieces = function * () {
      for (let at = 0; at < data.length; at += 70000) yield data.subarray(at, at + 70000)
    }
    pipeline(Readable.from(pieces()), req)
  })).hash, expected)
})

test('req.write() returns false when the server does not read, and drain follows', async (t) => {
  let server
  const port = await start(t, net.createServer((socket) => {
    server = socket
    socket.pause()
  }))
  const agent = new Agent()
  t.after(() => agent.destroy())
  const req = http.request({ host: '127.0.0.1', port, agent, method: 'POST' })
  req.on('error', () => {}) // it is destroyed at the end
  await once(req, 'socket')
  await once(req.socket, 'connect')
  const piece = Buffer.alloc(256 * 1024)
  let written = 0
  let drained = 0
  req.on('drain', () => drained++)
  // Until one write stays in the queue over some turns of the loop.
  let stuck = false
  while (!stuck) {
    const before = drained
    written += piece.length
    if (req.write(piece)) continue
    for (let i = 0; i < 20; i++) await new Promise(setImmediate)
    stuck = drained === before
  }
  assert.ok(req.writableNeedDrain)
  assert.ok(req.writableLength > 0)
  const drain = once(req, 'drain')
  server.resume()
  await drain
  assert.equal(req.writableLength, 0)
  // Under pressure not even the first fits.
  assert.ok(written > piece.length || process.env.HAWSER_TEST_PRESSURE === '1')
  req.destroy()
})

test("end()'s callback and 'finish' come once", async (t) => {
  const port = await mirror(t)
  const agent = new Agent()
  t.after(() => agent.destroy())
  const events = []
  const req = http.request({ host: '127.0.0.1', port, agent, method: 'POST' })
  req.on('finish', () => events.push('finish'))
  req.end('x', () => events.push('callback'))
  const [res] = await once(req, 'response')
  res.resume()
  await once(req, 'close')
  assert.deepEqual(events.sort(), ['callback', 'finish']) // Node 20 has them the other way
})

test('Expect: 100-continue waits for the server', async (t) => {
  const port = await mirror(t)
  const agent = new Agent()
  t.after(() => agent.destroy())
  const result = await send({ port, agent, headers: { Expect: '100-continue', 'Content-Length': 2 } },
    (req) => req.on('continue', () => req.end('go')))
  assert.equal(result.hash, hash('go'))
})

test('a response that comes before the body was written is delivered', async (t) => {
  const port = await httpServer(t, (req, res) => {
    res.writeHead(413, { Connection: 'close' })
    res.end('too large')
  })
  const agent = new Agent()
  t.after(() => agent.destroy())
  const req = http.request({ host: '127.0.0.1', port, agent, method: 'POST' })
  req.on('error', () => {}) // the rest of the body may meet a reset
  req.write('x')
  const [res] = await once(req, 'response')
  assert.equal(res.statusCode, 413)
  res.resume()
  await once(res, 'end')
  req.end()
})

test('a paused response stops the reads of its own connection only', async (t) => {
  const data = randomBytes(8 * 1024 * 1024)
  let blocked
  const port = await httpServer(t, (req, res) => {
    if (req.url === '/') return res.end('ok')
    blocked = res
    res.end(data)
  })
  const agent = new Agent()
  t.after(() => agent.destroy())
  const req = http.get({ host: '127.0.0.1', port, agent, path: '/big' })
  const [res] = await once(req, 'response')
  res.pause()
  for (let i = 0; i < 50; i++) assert.equal(String((await request({ port, agent })).body), 'ok')
  assert.ok(blocked.socket.writableLength > 1024 * 1024, 'the server could not get rid of it')
  assert.ok(res.readableLength < 1024 * 1024)
  const chunks = []
  for await (const chunk of res) chunks.push(chunk)
  assert.equal(hash(Buffer.concat(chunks)), hash(data))
})

test('a slow reader gets every byte, and chunks stay what they were', async (t) => {
  const data = randomBytes(3 * 1024 * 1024)
  const port = await httpServer(t, (req, res) => res.end(data))
  const agent = new Agent()
  t.after(() => agent.destroy())
  const [res] = await once(http.get({ host: '127.0.0.1', port, agent }), 'response')
  const kept = []
  for await (const chunk of res) {
    kept.push(chunk)
    if (kept.length % 5 === 0) await request({ port, agent }) // others use the same memory
  }
  assert.equal(hash(Buffer.concat(kept)), hash(data))
})

test('a response without a listener is discarded and its connection reused', async (t) => {
  const port = await httpServer(t, (req, res) => res.end(Buffer.alloc(300000)))
  const agent = new Agent()
  t.after(() => agent.destroy())
  const free = freed(agent)
  http.get({ host: '127.0.0.1', port, agent })
  await free
  assert.equal((await request({ port, agent })).req.reusedSocket, true)
})

test('res.destroy() in the middle closes the connection', async (t) => {
  const port = await httpServer(t, (req, res) => res.write(Buffer.alloc(100000)))
  const agent = new Agent()
  t.after(() => agent.destroy())
  const req = http.get({ host: '127.0.0.1', port, agent })
  const [res] = await once(req, 'response')
  await once(res, 'data')
  res.destroy()
  await once(req, 'close')
  assert.equal(res.aborted, true)
  assert.equal(req.socket.destroyed, true)
})

test('64 KiB bodies for 50 connections at once are what the server sent', async (t) => {
  const bodies = Array.from({ length: 50 }, () => randomBytes(65536))
  const port = await httpServer(t, (req, res) => res.end(bodies[Number(req.url.slice(1))]))
  const agent = new Agent({ maxSockets: 50 })
  t.after(() => agent.destroy())
  for (let round = 0; round < 5; round++) {
    const all = await Promise.all(bodies.map((_, i) => request({ port, agent, path: `/${i}` })))
    for (const [i, { body }] of all.entries()) assert.ok(body.equals(bodies[i]))
  }
})
