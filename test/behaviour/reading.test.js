// SPDX-License-Identifier: MIT
//
// Reading a response: slowly, partly, not at all, and through every interface of a
// Readable.
'use strict'

const assert = require('node:assert/strict')
const { createHash, randomBytes } = require('node:crypto')
const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const { PassThrough, Writable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { test } = require('node:test')

const { Agent } = require('../support/agent')
const { record, settled } = require('../support/events')
const { request, freed } = require('../support/request')
const { scriptedServer } = require('../support/scripted-server')
const { httpServer, rawServer, start } = require('../support/servers')

const hash = (data) => createHash('sha256').update(data).digest('hex')
const BIG = randomBytes(8 * 1024 * 1024) // more than both kernel buffers hold

function agentFor (t, options) {
  const agent = new Agent(options)
  t.after(() => agent.destroy())
  return agent
}

// Sends BIG to each request and keeps the socket that it writes to.
async function bigServer (t) {
  const seen = {}
  seen.port = await start(t, net.createServer((socket) => {
    socket.on('error', () => {}) // the client may go away
    socket.once('data', () => {
      seen.socket = socket
      seen.drained = false
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BIG.length}\r\n\r\n`)
      socket.write(BIG)
      socket.on('drain', () => { seen.drained = true })
    })
  }))
  return seen
}

async function begin (port, agent) {
  const req = http.get({ host: '127.0.0.1', port, agent })
  const [res] = await once(req, 'response')
  return { req, res }
}

// Enough turns of the loop for any event to arrive.
async function turns (n = 50) {
  for (let i = 0; i < n; i++) await new Promise(setImmediate)
}

test('a paused response stops the server, and resume() brings all of it', async (t) => {
  const server = await bigServer(t)
  const { res } = await begin(server.port, agentFor(t))
  res.pause()
  await turns()
  assert.equal(server.drained, false)
  const stuck = server.socket.writableLength
  assert.ok(stuck > 0)
  await turns()
  assert.equal(server.socket.writableLength, stuck)
  const sum = createHash('sha256')
  res.on('data', (chunk) => sum.update(chunk)).resume()
  await once(res, 'end')
  assert.equal(sum.digest('hex'), hash(BIG))
  assert.equal(server.drained, true)
})

test('a response that is not read stops the server too', async (t) => {
  const server = await bigServer(t)
  const { res, req } = await begin(server.port, agentFor(t))
  await turns()
  assert.equal(server.drained, false)
  assert.equal(res.readableFlowing, null)
  assert.ok(res.readableLength < BIG.length / 2)
  req.destroy()
})

test('pause() in the middle of the data stops it, again and again', async (t) => {
  const server = await bigServer(t)
  const { res } = await begin(server.port, agentFor(t))
  const sum = createHash('sha256')
  let pauses = 0
  res.on('data', (chunk) => {
    assert.equal(res.isPaused(), false, 'data while paused')
    sum.update(chunk)
    if (pauses < 20) {
      pauses++
      res.pause()
      setImmediate(() => res.resume())
    }
  })
  await once(res, 'end')
  assert.equal(pauses, 20)
  assert.equal(sum.digest('hex'), hash(BIG))
})

test('for await reads all, however long it takes over each piece', async (t) => {
  const server = await bigServer(t)
  const { res } = await begin(server.port, agentFor(t))
  const sum = createHash('sha256')
  let pieces = 0
  for await (const chunk of res) {
    sum.update(chunk)
    if (pieces++ % 10 === 0) await turns(2)
  }
  assert.equal(sum.digest('hex'), hash(BIG))
})

test('leaving for await early destroys the response and its connection', async (t) => {
  const server = await bigServer(t)
  const agent = agentFor(t)
  const { res, req } = await begin(server.port, agent)
  const done = settled(req)
  for await (const chunk of res) {
    if (chunk.length > 0) break
  }
  await done
  assert.equal(res.destroyed, true)
  assert.equal(req.socket.destroyed, true)
  while (agent.totalSocketCount > 0) await new Promise(setImmediate)
})

test('pipe() into a slow writer arrives whole', async (t) => {
  const server = await bigServer(t)
  const { res } = await begin(server.port, agentFor(t))
  const sum = createHash('sha256')
  const slow = new Writable({
    highWaterMark: 1000,
    write (chunk, encoding, callback) {
      sum.update(chunk)
      setImmediate(callback)
    }
  })
  res.pipe(slow)
  await once(slow, 'finish')
  assert.equal(sum.digest('hex'), hash(BIG))
})

test('pipeline() through a transform arrives whole', async (t) => {
  const server = await bigServer(t)
  const { res } = await begin(server.port, agentFor(t))
  const sum = createHash('sha256')
  await pipeline(res, new PassThrough(), async function (source) {
    for await (const chunk of source) sum.update(chunk)
  })
  assert.equal(sum.digest('hex'), hash(BIG))
})

test("read(n) in 'readable' gives exactly what it is asked for", async (t) => {
  const port = await httpServer(t, (req, res) => res.end('0123456789'.repeat(1000)))
  const { res } = await begin(port, agentFor(t))
  let text = ''
  res.on('readable', () => {
    for (let chunk; (chunk = res.read(7)) !== null;) {
      assert.ok(chunk.length === 7 || res.readableEnded || res.readableLength === 0)
      text += chunk
    }
  })
  await once(res, 'end')
  assert.equal(text, '0123456789'.repeat(1000))
})

test('setEncoding() gives strings and never cuts a character in two', async (t) => {
  const bytes = Buffer.from('\u20ac\u{1f600}\xe9'.repeat(5))
  const server = await scriptedServer(t, () => ({
    pieces: [`HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n`,
      ...Array.from(bytes, (byte) => Buffer.of(byte))]
  }))
  const { res } = await begin(server.port, agentFor(t))
  let text = ''
  res.setEncoding('utf8').on('data', (chunk) => {
    assert.equal(typeof chunk, 'string')
    assert.equal(chunk.includes('\ufffd'), false)
    text += chunk
  })
  await once(res, 'end')
  assert.equal(text, '\u20ac\u{1f600}\xe9'.repeat(5))
})

test('setEncoding base64 and hex', async (t) => {
  const port = await httpServer(t, (req, res) => res.end(Buffer.from([0, 1, 2, 253, 254, 255, 9])))
  const agent = agentFor(t)
  for (const [encoding, expected] of [['base64', 'AAEC/f7/CQ=='], ['hex', '000102fdfeff09']]) {
    let text = ''
    // At once: before 24, Node loses the tail if the end has already arrived.
    const req = http.get({ host: '127.0.0.1', port, agent }, (res) => {
      res.setEncoding(encoding).on('data', (chunk) => { text += chunk })
    })
    await once(req, 'close')
    assert.equal(text, expected)
  }
})

test('chunks kept by the user do not change when more is read', async (t) => {
  const port = await httpServer(t, (req, res) => res.end(Buffer.alloc(300000, req.url.slice(1))))
  const agent = agentFor(t)
  const kept = []
  for (const letter of 'abcdefgh') {
    const req = http.get({ host: '127.0.0.1', port, agent, path: `/${letter}` })
    const [res] = await once(req, 'response')
    res.on('data', (chunk) => kept.push([letter, chunk]))
    await once(res, 'end')
  }
  const all = {}
  for (const [letter, chunk] of kept) all[letter] = (all[letter] ?? '') + chunk
  for (const letter of 'abcdefgh') assert.equal(all[letter], letter.repeat(300000))
})

test('the user may write into a chunk, and no other changes', async (t) => {
  const port = await httpServer(t, (req, res) => res.end(Buffer.alloc(1000, 'a')))
  const agent = agentFor(t)
  const read = async () => (await request({ port, agent })).body
  const many = Promise.all(Array.from({ length: 20 }, async () => {
    const { res } = await begin(port, agent)
    const [chunk] = await once(res, 'data')
    const before = String(chunk)
    chunk.fill('b')
    return before
  }))
  for (const text of await many) assert.equal(text, 'a'.repeat(1000))
  assert.equal(String(await read()), 'a'.repeat(1000))
})

test('res.destroy() in the middle closes the connection, and the server sees it', async (t) => {
  const server = await bigServer(t)
  const agent = agentFor(t)
  const { res, req } = await begin(server.port, agent)
  const events = record(req)
  await once(res, 'data')
  const gone = new Promise((resolve) => server.socket.once('close', resolve))
  res.destroy()
  await Promise.all([gone, settled(req)])
  assert.equal(res.aborted, true)
  assert.equal(res.complete, false)
  assert.deepEqual(events, ['close'])
})

test("no 'response' listener: the body is discarded and the connection is reused", async (t) => {
  const port = await httpServer(t, (req, res) => res.end(BIG))
  const agent = agentFor(t)
  const free = freed(agent)
  const req = http.get({ host: '127.0.0.1', port, agent })
  await free
  assert.equal(req.res.complete, true)
  assert.equal((await request({ port, agent })).req.reusedSocket, true)
})

test("resume() alone throws the body away, and 'end' and 'close' come", async (t) => {
  const port = await httpServer(t, (req, res) => res.end(BIG))
  const { res } = await begin(port, agentFor(t))
  const events = []
  res.on('end', () => events.push('end')).on('close', () => events.push('close')).resume()
  await once(res, 'close')
  assert.deepEqual(events, ['end', 'close'])
  assert.equal(res.readableEnded, true)
})

test('ten paused responses do not stop an eleventh', async (t) => {
  const port = await httpServer(t, (req, res) => res.end(req.url === '/big' ? BIG : 'small'))
  const agent = agentFor(t)
  const paused = await Promise.all(Array.from({ length: 10 }, async () => {
    const req = http.get({ host: '127.0.0.1', port, agent, path: '/big' })
    const [res] = await once(req, 'response')
    return res.pause()
  }))
  for (let i = 0; i < 20; i++) {
    assert.equal(String((await request({ port, agent })).body), 'small')
  }
  for (const res of paused) res.destroy()
})

test('a response is paused while its last bytes are already here', async (t) => {
  const server = await scriptedServer(t, () => ({
    pieces: ['HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef']
  }))
  const agent = agentFor(t)
  const { res, req } = await begin(server.port, agent)
  res.pause()
  await turns()
  // It was not read, so it has not ended, and its connection is not free.
  assert.equal(res.readableEnded, false)
  assert.deepEqual(Object.keys(agent.freeSockets), [])
  let text = ''
  res.on('data', (chunk) => { text += chunk }).resume()
  const free = freed(agent)
  await free
  assert.equal(text, 'abcdef')
  assert.equal((await request({ port: server.port, agent })).req.socket, req.socket)
})

test('the server closes a complete connection while its response is paused', async (t) => {
  const server = await scriptedServer(t, () => ({
    pieces: ['HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef'], then: 'fin'
  }))
  const { res } = await begin(server.port, agentFor(t))
  res.pause()
  await turns()
  let text = ''
  res.on('data', (chunk) => { text += chunk }).resume()
  await once(res, 'end')
  assert.equal(text, 'abcdef')
  assert.equal(res.complete, true)
  assert.equal(res.aborted, false)
})

test("the socket's own 'data' has the bytes of the response, after the parser", async (t) => {
  const port = await rawServer(t, (socket, text, n) => {
    if (n === 0) socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n')
    else socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 3\r\n\r\nbye')
  })
  const agent = new Agent()
  t.after(() => agent.destroy())
  const tapped = (listen) => new Promise((resolve, reject) => {
    const events = []
    const onData = (bytes) => events.push(`raw ${bytes}`)
    const req = http.get({ port, agent }, (res) => {
      events.push('response')
      res.resume()
    })
    if (listen) req.on('socket', (socket) => socket.on('data', onData))
    req.on('error', reject)
    req.on('close', () => {
      req.socket.removeListener('data', onData)
      process.nextTick(resolve, events)
    })
  })
  assert.deepEqual(await tapped(true), ['response',
    'raw HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n'])
  assert.deepEqual(await tapped(false), ['response'])
})
