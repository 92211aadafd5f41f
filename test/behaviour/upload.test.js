// SPDX-License-Identifier: MIT
//
// Request bodies: what the server gets, and what the writer gets back.
'use strict'

const assert = require('node:assert/strict')
const { createHash, randomBytes } = require('node:crypto')
const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const { PassThrough, Readable } = require('node:stream')
const { test } = require('node:test')

const { Agent } = require('../support/agent')
const { settled } = require('../support/events')
const { freed } = require('../support/request')
const { scriptedServer } = require('../support/scripted-server')
const { httpServer, start } = require('../support/servers')

const hash = (data) => createHash('sha256').update(data).digest('hex')
const until = async (condition) => { while (!condition()) await new Promise(setImmediate) }
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

function agentFor (t, options) {
  const agent = new Agent(options)
  t.after(() => agent.destroy())
  return agent
}

// Echoes the body.
function mirror (t) {
  return httpServer(t, (req, res) => req.pipe(res))
}

function post (options, act) {
  return new Promise((resolve, reject) => {
    const req = http.request({ host: '127.0.0.1', method: 'POST', ...options }, (res) => {
      const chunks = []
      res.on('data', (chunk) => chunks.push(chunk))
      res.on('end', () => resolve({ req, res, body: Buffer.concat(chunks) }))
    }).on('error', reject)
    act(req)
  })
}

for (const [title, text, encoding, bytes] of [
  ['utf8', 'h\xe9 \u20ac \u{1f600}', 'utf8', Buffer.from('h\xe9 \u20ac \u{1f600}')],
  ['latin1', 'h\xe9', 'latin1', Buffer.from([0x68, 0xe9])],
  ['binary', '\xff\x00', 'binary', Buffer.from([0xff, 0])],
  ['base64', 'AP8=', 'base64', Buffer.from([0, 0xff])],
  ['hex', '00ff10', 'hex', Buffer.from([0, 0xff, 0x10])],
  ['utf16le', 'a\u20ac', 'utf16le', Buffer.from([0x61, 0, 0xac, 0x20])],
  ['ascii', 'plain', 'ascii', Buffer.from('plain')]
]) {
  test(`a body in ${title}, by end() and by write()`, async (t) => {
    const port = await mirror(t)
    const agent = agentFor(t)
    const ended = await post({ port, agent }, (req) => req.end(text, encoding))
    assert.deepEqual(ended.body, bytes)
    const written = await post({ port, agent }, (req) => {
      req.write(text, encoding)
      req.end(text, encoding)
    })
    assert.deepEqual(written.body, Buffer.concat([bytes, bytes]))
  })
}

test('how each kind of body is framed on the wire', async (t) => {
  const server = await httpServer(t, (req, res) => {
    const { 'content-length': length, 'transfer-encoding': coding } = req.headers
    req.resume().on('end', () => res.end(`${length} ${coding}`))
  })
  const agent = agentFor(t)
  const framing = async (act, options) =>
    String((await post({ port: server, agent, ...options }, act)).body)
  assert.equal(await framing((req) => req.end()), '0 undefined')
  assert.equal(await framing((req) => req.end('abc')), '3 undefined')
  assert.equal(await framing((req) => req.end(Buffer.alloc(70000))), '70000 undefined')
  assert.equal(await framing((req) => {
    req.write('abc')
    req.end()
  }), 'undefined chunked')
  assert.equal(await framing((req) => {
    req.setHeader('Content-Length', 3)
    req.write('abc')
    req.end()
  }), '3 undefined')
  assert.equal(await framing((req) => req.end(), { method: 'GET' }), 'undefined undefined')
})

test('chunks on the wire are what was written, one by one', async (t) => {
  let text = ''
  const port = await start(t, net.createServer((socket) => {
    socket.on('data', (chunk) => {
      text += chunk
      if (text.endsWith('0\r\n\r\n')) socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n')
    })
  }))
  const req = http.request({ host: '127.0.0.1', port, agent: agentFor(t), method: 'POST' })
  const response = once(req, 'response')
  req.write('abc')
  req.write('')
  req.write(Buffer.from('0123456789abcdef'))
  req.end('!')
  const [res] = await response
  res.resume()
  await once(res, 'end')
  assert.equal(text.slice(text.indexOf('\r\n\r\n') + 4),
    '3\r\nabc\r\n10\r\n0123456789abcdef\r\n1\r\n!\r\n0\r\n\r\n')
})

test('a stream piped into the request arrives whole', async (t) => {
  const data = randomBytes(2 * 1024 * 1024)
  const port = await mirror(t)
  const { body } = await post({ port, agent: agentFor(t) }, (req) => {
    const through = new PassThrough()
    Readable.from((function * () {
      for (let at = 0; at < data.length; at += 65537) yield data.subarray(at, at + 65537)
    })()).pipe(through).pipe(req)
  })
  assert.equal(hash(body), hash(data))
})

test('5 MB with Content-Length, written as fast as it drains', async (t) => {
  const data = randomBytes(5 * 1024 * 1024)
  const port = await httpServer(t, (req, res) => {
    const sum = createHash('sha256')
    req.on('data', (chunk) => sum.update(chunk)).on('end', () => res.end(sum.digest('hex')))
  })
  const { body } = await post({ port, agent: agentFor(t), headers: { 'Content-Length': data.length } },
    async (req) => {
      for (let at = 0; at < data.length; at += 50000) {
        if (!req.write(data.subarray(at, at + 50000))) await once(req, 'drain')
      }
      req.end()
    })
  assert.equal(String(body), hash(data))
})

test('ten thousand small writes arrive in order', async (t) => {
  const port = await mirror(t)
  const { body } = await post({ port, agent: agentFor(t) }, (req) => {
    for (let i = 0; i < 10000; i++) req.write(`${i},`)
    req.end()
  })
  assert.equal(String(body), Array.from({ length: 10000 }, (_, i) => `${i},`).join(''))
})

test('a Buffer that is changed after its write callback is sent as it was', async (t) => {
  const port = await mirror(t)
  const { body } = await post({ port, agent: agentFor(t) }, (req) => {
    const buffer = Buffer.from('first')
    req.write(buffer, () => {
      buffer.fill('x')
      req.end()
    })
  })
  assert.equal(String(body), 'first')
})

test('write callbacks come in order, and then that of end()', async (t) => {
  const port = await mirror(t)
  const calls = []
  const { req } = await post({ port, agent: agentFor(t) }, (req) => {
    req.write('a', () => calls.push('a'))
    req.write('b', 'utf8', () => calls.push('b'))
    req.end('c', () => calls.push('end'))
  })
  await settled(req)
  assert.deepEqual(calls, ['a', 'b', 'end'])
})

test("'finish' comes without any response, when everything was passed on", async (t) => {
  const port = await httpServer(t, () => {})
  const req = http.request({ host: '127.0.0.1', port, agent: agentFor(t), method: 'POST' })
  req.on('error', () => {}) // it is destroyed below
  assert.equal(req.writableEnded, false)
  req.end('x')
  assert.equal(req.writableEnded, true)
  await once(req, 'finish')
  assert.equal(req.writableFinished, true)
  assert.equal(req.res, null)
  req.destroy()
})

test('flushHeaders() sends the head before there is a body', async (t) => {
  const server = await scriptedServer(t, () => ({ pieces: [OK] }))
  const req = http.request({ host: '127.0.0.1', port: server.port, agent: agentFor(t) })
  const response = once(req, 'response')
  req.flushHeaders()
  assert.equal(req.headersSent, true)
  const [res] = await response
  assert.equal(server.requests.length, 1)
  assert.equal(req.writableEnded, false)
  res.resume()
  req.end()
  await once(req, 'close')
})

test('trailers arrive after a chunked body', async (t) => {
  const port = await httpServer(t, (req, res) => {
    req.resume().on('end', () => res.end(JSON.stringify(req.rawTrailers)))
  })
  const { body } = await post({ port, agent: agentFor(t) }, (req) => {
    req.setHeader('Trailer', 'A, B')
    req.write('x')
    req.addTrailers({ A: '1', B: '2' })
    req.end()
  })
  assert.deepEqual(JSON.parse(body), ['A', '1', 'B', '2'])
})

test('write() after end() is ERR_STREAM_WRITE_AFTER_END, and the response still comes', async (t) => {
  const port = await mirror(t)
  const req = http.request({ host: '127.0.0.1', port, agent: agentFor(t), method: 'POST' })
  const errors = []
  req.on('error', (err) => errors.push(err.code))
  const response = once(req, 'response').catch(() => null)
  req.end('whole')
  let given
  req.write('more', (err) => { given = err.code })
  await settled(req)
  await response
  assert.deepEqual(errors, ['ERR_STREAM_WRITE_AFTER_END'])
  assert.equal(given, 'ERR_STREAM_WRITE_AFTER_END')
})

test('write() of something else is ERR_INVALID_ARG_TYPE and throws', (t) => {
  const req = http.request({ host: '127.0.0.1', port: 1, agent: agentFor(t), method: 'POST' })
  req.on('error', () => {}) // nothing listens on port 1
  assert.throws(() => req.write(5), { code: 'ERR_INVALID_ARG_TYPE' })
  assert.throws(() => req.write(null), { code: 'ERR_STREAM_NULL_VALUES' })
  req.destroy()
})

test('setHeader() after the head was sent is ERR_HTTP_HEADERS_SENT', async (t) => {
  const port = await mirror(t)
  const { body } = await post({ port, agent: agentFor(t) }, (req) => {
    req.write('x')
    assert.throws(() => req.setHeader('a', 'b'), { code: 'ERR_HTTP_HEADERS_SENT' })
    req.end()
  })
  assert.equal(String(body), 'x')
})

test("a server that does not read: write() returns false, and 'drain' is emitted once it does", async (t) => {
  let peer
  const port = await start(t, net.createServer((socket) => {
    peer = socket.pause().on('error', () => {})
  }))
  const req = http.request({ host: '127.0.0.1', port, agent: agentFor(t), method: 'POST' })
  req.on('error', () => {}) // it is destroyed below
  const piece = Buffer.alloc(8 * 1024 * 1024) // more than both kernel buffers hold
  await once(req, 'socket')
  await once(req.socket, 'connect')
  assert.equal(req.write(piece), false)
  assert.equal(req.writableNeedDrain, true)
  let drained = false
  req.on('drain', () => { drained = true })
  await until(() => peer !== undefined)
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
  assert.equal(drained, false)
  assert.ok(req.writableLength > 0)
  const drain = once(req, 'drain')
  peer.resume()
  await drain
  assert.equal(req.writableNeedDrain, false)
  assert.equal(req.writableLength, 0)
  req.destroy()
})

test('an early response to an upload is delivered, and the rest of the upload is still sent',
  async (t) => {
    let received = 0
    const port = await start(t, net.createServer((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly'))
      socket.on('data', (chunk) => { received += chunk.length })
    }))
    const agent = agentFor(t)
    const req = http.request({ host: '127.0.0.1', port, agent, method: 'POST' })
    const response = once(req, 'response')
    req.write('x')
    const [res] = await response
    const end = once(res, 'end')
    assert.equal(String((await once(res, 'data'))[0]), 'early')
    await end
    assert.equal(Object.keys(agent.freeSockets).length, 0)
    const free = freed(agent)
    req.write(Buffer.alloc(100000))
    req.end('y')
    await free
    await until(() => received > 100002)
    assert.equal(Object.keys(agent.freeSockets).length, 1)
  })

test('an early response with Connection: close ends an upload in progress', async (t) => {
  const server = await scriptedServer(t, () => ({
    pieces: ['HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'], then: 'fin'
  }))
  const agent = agentFor(t)
  const req = http.request({ host: '127.0.0.1', port: server.port, agent, method: 'POST' })
  const response = once(req, 'response')
  req.write('x')
  const [res] = await response
  assert.equal(res.statusCode, 413)
  res.resume()
  await settled(req)
  assert.equal(req.destroyed, true)
  await until(() => agent.totalSocketCount === 0)
})

test('cork() holds the pieces together until uncork()', async (t) => {
  const port = await mirror(t)
  const { body } = await post({ port, agent: agentFor(t) }, (req) => {
    req.cork()
    req.write('a')
    req.write('b')
    assert.equal(req.writableCorked, 1)
    req.uncork()
    req.end('c')
  })
  assert.equal(String(body), 'abc')
})

test('the body of a request on a used connection', async (t) => {
  const port = await mirror(t)
  const agent = agentFor(t, { maxSockets: 1 })
  for (const size of [1, 100, 70000, 0, 1000000]) {
    const data = randomBytes(size)
    const free = freed(agent)
    const { body } = await post({ port, agent }, (req) => req.end(data))
    assert.equal(hash(body), hash(data))
    await free
  }
})
