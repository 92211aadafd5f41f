// SPDX-License-Identifier: MIT
//
// Every framing of a response, whole and in pieces.
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const { test } = require('node:test')

const { Agent } = require('../support/agent')
const { request } = require('../support/request')
const { rawServer } = require('../support/servers')

// What a server sends, and what the user must see.
const RESPONSES = [
  {
    title: 'a body with Content-Length',
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nhello',
    body: 'hello',
    rawHeaders: ['Content-Length', '5', 'X-A', '1']
  },
  {
    title: 'a chunked body with extensions and trailers',
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n' +
      '3;name=value\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\nV:  w \r\n\r\n',
    body: 'abcde',
    rawHeaders: ['Transfer-Encoding', 'chunked', 'Trailer', 'T'],
    rawTrailers: ['T', 'u', 'V', 'w'],
    trailers: { t: 'u', v: 'w' }
  },
  {
    title: 'an empty body',
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    body: '',
    rawHeaders: ['Content-Length', '0']
  },
  {
    title: '204 without a body',
    bytes: 'HTTP/1.1 204 No Content\r\nX-Empty:\r\n\r\n',
    body: '',
    status: 204,
    message: 'No Content',
    rawHeaders: ['X-Empty', '']
  },
  {
    title: '304, whose Content-Length announces nothing',
    bytes: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n',
    body: '',
    status: 304,
    message: 'Not Modified',
    rawHeaders: ['Content-Length', '9']
  },
  {
    title: 'an empty reason and a latin1 header value',
    bytes: 'HTTP/1.1 299 \r\nContent-Length: 1\r\nX-L: caf\xe9 \t\r\n\r\nx',
    body: 'x',
    status: 299,
    message: '',
    rawHeaders: ['Content-Length', '1', 'X-L', 'caf\xe9']
  },
  {
    title: 'informational responses in front',
    bytes: 'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' +
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    body: 'ok',
    rawHeaders: ['Content-Length', '2'],
    informational: [102, 103]
  },
  {
    title: 'a response of HTTP/1.0 that runs until the close',
    bytes: 'HTTP/1.0 200 Fine\r\nX-B: 2\r\n\r\nuntil the end',
    close: true,
    version: '1.0',
    body: 'until the end',
    message: 'Fine',
    rawHeaders: ['X-B', '2']
  }
]

function observe (options) {
  return new Promise((resolve, reject) => {
    const informational = []
    const req = http.request({ host: '127.0.0.1', ...options })
    req.on('information', ({ statusCode }) => informational.push(statusCode))
    req.on('error', reject)
    req.on('response', (res) => {
      let body = ''
      res.setEncoding('latin1').on('data', (text) => { body += text })
      res.on('end', () => resolve({ res, body, informational }))
    })
    req.end()
  })
}

function check (expected, { res, body, informational }) {
  assert.equal(body, expected.body)
  assert.equal(res.statusCode, expected.status ?? 200)
  assert.equal(res.statusMessage, expected.message ?? 'OK')
  assert.equal(res.httpVersion, expected.version ?? '1.1')
  assert.deepEqual(res.rawHeaders, expected.rawHeaders)
  assert.deepEqual(res.rawTrailers, expected.rawTrailers ?? [])
  assert.deepEqual({ ...res.trailers }, expected.trailers ?? {})
  assert.equal(res.complete, true)
  assert.deepEqual(informational, expected.informational ?? [])
}

for (const expected of RESPONSES) {
  test(`${expected.title}: whole, byte by byte and split at every byte`, async (t) => {
    const bytes = Buffer.from(expected.bytes, 'latin1')
    const plans = [[bytes], [...bytes].map((byte) => Buffer.of(byte))]
    for (let i = 1; i < bytes.length; i++) plans.push([bytes.subarray(0, i), bytes.subarray(i)])
    let next = 0
    const port = await rawServer(t, async (socket) => {
      socket.setNoDelay()
      for (const piece of plans[next++]) {
        socket.write(piece)
        // Two turns, so that the client polls in between: pieces are read one by one.
        await new Promise((resolve) => setImmediate(setImmediate, resolve))
      }
      if (expected.close) socket.end()
    })
    const agent = new Agent({ maxSockets: 1 })
    t.after(() => agent.destroy())
    for (let i = 0; i < plans.length; i++) check(expected, await observe({ port, agent }))
    assert.equal(next, plans.length)
  })
}

test('a response to HEAD has no body, regardless of its Content-Length', async (t) => {
  const port = await rawServer(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n')
  })
  const agent = new Agent({ maxSockets: 1 })
  t.after(() => agent.destroy())
  for (let i = 0; i < 3; i++) {
    const { res, body } = await request({ port, agent, method: 'HEAD' })
    assert.equal(res.headers['content-length'], '1000')
    assert.equal(body.length, 0)
  }
})

test('duplicate headers are joined, dropped or listed as in Node', async (t) => {
  const port = await rawServer(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n' +
      'X-A: 1\r\nX-A: 2\r\nAge: 1\r\nAge: 2\r\nCookie: c\r\nCookie: d\r\n\r\n')
  })
  const agent = new Agent()
  t.after(() => agent.destroy())
  const { res } = await request({ port, agent })
  assert.deepEqual(res.headers, {
    'content-length': '0', 'set-cookie': ['a', 'b'], 'x-a': '1, 2', age: '1', cookie: 'c; d'
  })
  assert.deepEqual(res.headersDistinct['x-a'], ['1', '2'])
  const joined = await request({ port, agent, joinDuplicateHeaders: true })
  assert.equal(joined.res.headers.age, '1, 2')
})

test('headers are the same when read late, after the end', async (t) => {
  const port = await rawServer(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n0\r\nT: u\r\n\r\n')
  })
  const agent = new Agent()
  t.after(() => agent.destroy())
  const { res } = await request({ port, agent })
  assert.deepEqual({ ...res.trailers }, { t: 'u' })
  assert.deepEqual(res.headers, { 'transfer-encoding': 'chunked', x: 'y' })
  assert.deepEqual(res.rawTrailers, ['T', 'u'])
})

test('maxHeadersCount limits the headers, and 3,000 of them arrive without', async (t) => {
  const many = Array.from({ length: 3000 }, (_, i) => `h${i}: ${i}\r\n`).join('')
  const port = await rawServer(t, (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${many}\r\n`)
  })
  const agent = new Agent()
  t.after(() => agent.destroy())
  const count = (maxHeadersCount) => new Promise((resolve, reject) => {
    const req = http.get({ host: '127.0.0.1', port, agent, maxHeaderSize: 1e6 }, (res) => {
      res.resume()
      resolve(Object.keys(res.headers).length)
    })
    req.on('error', reject)
    if (maxHeadersCount !== undefined) req.maxHeadersCount = maxHeadersCount
  })
  assert.equal(await count(10), 10)
  assert.equal(await count(), 1000)
  assert.equal(await count(0), 3001)
})

test('a head of 300 KiB arrives when maxHeaderSize allows it', async (t) => {
  const value = 'v'.repeat(300 * 1024)
  const port = await rawServer(t, (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nX-Big: ${value}\r\nContent-Length: 2\r\n\r\nok`)
  })
  const agent = new Agent()
  t.after(() => agent.destroy())
  const { res, body } = await request({ port, agent, maxHeaderSize: 1024 * 1024 })
  assert.equal(res.headers['x-big'], value)
  assert.equal(String(body), 'ok')
})
