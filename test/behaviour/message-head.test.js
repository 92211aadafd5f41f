// SPDX-License-Identifier: MIT
//
// What the user finds in a response's head: status line and headers, as the
// server wrote them and as Node presents them.
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const { test } = require('node:test')

const { Agent } = require('../support/agent')
const { request } = require('../support/request')
const { scriptedServer } = require('../support/scripted-server')

// One response to one request, made of a status line and header lines.
async function answered (t, status, lines, options = {}) {
  const head = [status, 'Content-Length: 2', ...lines].join('\r\n')
  const { port } = await scriptedServer(t, () => ({ pieces: [`${head}\r\n\r\nok`] }))
  const agent = new Agent()
  t.after(() => agent.destroy())
  const { res, req, body } = await request({ port, agent, ...options })
  assert.equal(String(body), 'ok')
  return { res, req }
}

const OK = 'HTTP/1.1 200 OK'

for (const [title, line, code, message, version = '1.1'] of [
  ['the usual one', 'HTTP/1.1 200 OK', 200, 'OK'],
  ['an empty reason', 'HTTP/1.1 200 ', 200, ''],
  ['no reason and no space either', 'HTTP/1.1 200', 200, ''],
  ['a reason of several words', 'HTTP/1.1 404 It Is Not Here', 404, 'It Is Not Here'],
  ['a reason in latin1', 'HTTP/1.1 200 tr\xe8s bien', 200, 'tr\xe8s bien'],
  ['an unknown code', 'HTTP/1.1 799 Made Up', 799, 'Made Up'],
  ['HTTP/1.0', 'HTTP/1.0 200 OK', 200, 'OK', '1.0']
]) {
  test(`the status line: ${title}`, async (t) => {
    const { res } = await answered(t, line, [])
    assert.equal(res.statusCode, code)
    assert.equal(res.statusMessage, message)
    assert.equal(res.httpVersion, version)
    assert.equal(res.httpVersionMajor, 1)
    assert.equal(res.httpVersionMinor, Number(version.slice(2)))
  })
}

test('header names keep their case in rawHeaders and are lower case in headers', async (t) => {
  const { res } = await answered(t, OK, ['X-MiXeD: Value', 'ETAG: "a"'])
  assert.deepEqual(res.rawHeaders, ['Content-Length', '2', 'X-MiXeD', 'Value', 'ETAG', '"a"'])
  assert.deepEqual({ ...res.headers }, { 'content-length': '2', 'x-mixed': 'Value', etag: '"a"' })
})

test('space around a header value is not part of it, space inside is', async (t) => {
  const { res } = await answered(t, OK, ['A:   b  c \t ', 'Empty:', 'Blank:   ', 'Tight:x'])
  assert.equal(res.headers.a, 'b  c')
  assert.equal(res.headers.empty, '')
  assert.equal(res.headers.blank, '')
  assert.equal(res.headers.tight, 'x')
})

test('set-cookie is always an array, in the order in which it was sent', async (t) => {
  const one = await answered(t, OK, ['Set-Cookie: a=1'])
  assert.deepEqual(one.res.headers['set-cookie'], ['a=1'])
  const two = await answered(t, OK, ['Set-Cookie: a=1; Path=/', 'X: y', 'set-cookie: b=2, c'])
  assert.deepEqual(two.res.headers['set-cookie'], ['a=1; Path=/', 'b=2, c'])
})

// The list in Node's documentation of message.headers.
const FIRST_WINS = ['age', 'authorization', 'content-type', 'etag', 'expires', 'from', 'host',
  'if-modified-since', 'if-unmodified-since', 'last-modified', 'location', 'max-forwards',
  'proxy-authorization', 'referer', 'retry-after', 'server', 'user-agent']

for (const name of FIRST_WINS) {
  test(`of two ${name} headers the first wins`, async (t) => {
    const { res } = await answered(t, OK, [`${name}: 1`, `${name}: 2`])
    assert.equal(res.headers[name], '1')
    assert.deepEqual(res.headersDistinct[name], ['1', '2'])
    assert.deepEqual(res.rawHeaders.slice(2), [name, '1', name, '2'])
  })
}

test('other duplicates are joined by comma, cookie by semicolon', async (t) => {
  const { res } = await answered(t, OK,
    ['Via: a', 'Via: b', 'X-Own: 1', 'x-own: 2', 'X-OWN: 3', 'Cookie: a=1', 'Cookie: b=2'])
  assert.equal(res.headers.via, 'a, b')
  assert.equal(res.headers['x-own'], '1, 2, 3')
  assert.equal(res.headers.cookie, 'a=1; b=2')
})

test('joinDuplicateHeaders joins what would be dropped', async (t) => {
  const { res } = await answered(t, OK, ['Age: 1', 'Age: 2', 'Set-Cookie: a', 'Set-Cookie: b'],
    { joinDuplicateHeaders: true })
  assert.equal(res.headers.age, '1, 2')
  assert.deepEqual(res.headers['set-cookie'], ['a', 'b'])
})

test('headersDistinct has an array for each name', async (t) => {
  const { res } = await answered(t, OK, ['A: 1', 'a: 2', 'Set-Cookie: x'])
  assert.deepEqual({ ...res.headersDistinct },
    { 'content-length': ['2'], a: ['1', '2'], 'set-cookie': ['x'] })
})

test('a header value in latin1 is one character for each byte', async (t) => {
  const bytes = Array.from({ length: 96 }, (_, i) => String.fromCharCode(0xa0 + i)).join('')
  const { res } = await answered(t, OK, [`X-All: <${bytes}>`])
  assert.equal(res.headers['x-all'], `<${bytes}>`)
  assert.equal(res.rawHeaders[3], `<${bytes}>`)
})

test('a header value in UTF-8 arrives as its bytes in latin1', async (t) => {
  const text = Buffer.from('\u20ac', 'utf8').toString('latin1')
  const { res } = await answered(t, OK, [`X-Euro: ${text}`])
  assert.equal(Buffer.from(res.headers['x-euro'], 'latin1').toString('utf8'), '\u20ac')
})

test('header names like those of Object.prototype do no harm', async (t) => {
  const { res } = await answered(t, OK,
    ['constructor: a', 'toString: b', 'hasOwnProperty: c', '__proto__: d'])
  assert.equal(res.headers.constructor, 'a')
  assert.equal(res.headers.tostring, 'b')
  assert.equal(res.headers.hasownproperty, 'c')
  assert.deepEqual(res.rawHeaders.slice(-2), ['__proto__', 'd'])
  assert.equal({}.d, undefined)
  assert.equal(typeof {}.toString, 'function')
})

test('headers, rawHeaders and trailers are the same object each time, and may be changed', async (t) => {
  const { res } = await answered(t, OK, ['X: y'])
  for (const name of ['headers', 'rawHeaders', 'headersDistinct', 'trailers', 'rawTrailers',
    'trailersDistinct']) assert.equal(res[name], res[name], name)
  res.headers.x = 'z'
  res.headers.more = '1'
  res.rawHeaders.push('More', '1')
  assert.equal(res.headers.x, 'z')
  assert.equal(res.headers.more, '1')
  assert.equal(res.rawHeaders.at(-2), 'More')
  res.headers = { mine: true }
  assert.deepEqual(res.headers, { mine: true })
})

test('the response is an IncomingMessage that knows its request', async (t) => {
  const { res, req } = await answered(t, OK, [])
  assert.ok(res instanceof http.IncomingMessage)
  assert.equal(res.req, req)
  assert.equal(req.res, res)
  assert.equal(res.method, null)
  assert.equal(res.url, '')
  assert.equal(res.upgrade, false)
  assert.equal(res.aborted, false)
})

test('a thousand headers arrive without any option', async (t) => {
  const lines = Array.from({ length: 999 }, (_, i) => `X-${i}: ${i}`)
  const { res } = await answered(t, OK, lines)
  assert.equal(res.rawHeaders.length, 2000)
  assert.equal(res.headers['x-998'], '998')
})

// Node 20 takes headers in batches of 31 and checks the limit only between batches.
test('maxHeadersCount cuts the list off, and 0 is no limit', async (t) => {
  const lines = Array.from({ length: 1500 }, (_, i) => `X-${i}: ${i}`)
  const head = [OK, 'Content-Length: 2', ...lines].join('\r\n')
  const { port } = await scriptedServer(t, () => ({ pieces: [`${head}\r\n\r\nok`] }))
  const agent = new Agent()
  t.after(() => agent.destroy())
  for (const [limit, counts] of [[10, [10, 31]], [1, [1, 31]], [0, [1501]]]) {
    const headers = await new Promise((resolve, reject) => {
      const req = http.get({ host: '127.0.0.1', port, agent, maxHeaderSize: 65536 }, (res) => {
        res.resume().on('end', () => resolve(res.rawHeaders))
      }).on('error', reject)
      req.maxHeadersCount = limit
    })
    const exact = !process.version.startsWith('v20.')
    assert.ok((exact ? counts.slice(0, 1) : counts).includes(headers.length / 2))
  }
})

for (const [size, options, expected] of [
  [15000, {}, 'arrives'],
  [17000, {}, 'HPE_HEADER_OVERFLOW'],
  [2000, { maxHeaderSize: 1024 }, 'HPE_HEADER_OVERFLOW'],
  [500, { maxHeaderSize: 1024 }, 'arrives'],
  [100000, { maxHeaderSize: 200000 }, 'arrives']
]) {
  const limit = options.maxHeaderSize ?? 'left alone'
  test(`a header of ${size} bytes, maxHeaderSize ${limit}: ${expected}`, async (t) => {
    const value = 'v'.repeat(size)
    const exchange = answered(t, OK, [`X-Big: ${value}`], options)
    if (expected === 'arrives') {
      assert.equal((await exchange).res.headers['x-big'], value)
    } else {
      await assert.rejects(exchange, { code: expected, message: 'Parse Error: Header overflow' })
    }
  })
}

test('maxHeaderSize is each request\'s own, on one connection', async (t) => {
  const { port, connections } = await scriptedServer(t, (n) => ({
    pieces: [`${OK}\r\nContent-Length: 2\r\nX-Big: ${'v'.repeat(n === 0 ? 50000 : 2000)}\r\n\r\nok`]
  }))
  const agent = new Agent({ maxSockets: 1 })
  t.after(() => agent.destroy())
  const first = request({ port, agent, maxHeaderSize: 100000 })
  const second = request({ port, agent, maxHeaderSize: 1000 })
  assert.equal((await first).res.headers['x-big'].length, 50000)
  await assert.rejects(second, { code: 'HPE_HEADER_OVERFLOW' })
  assert.equal(connections.length, 1)
})

test('insecureHTTPParser lets a control character in a value pass, and only then', async (t) => {
  await assert.rejects(answered(t, OK, ['X: a\x01b']), { code: 'HPE_INVALID_HEADER_TOKEN' })
  const { res } = await answered(t, OK, ['X: a\x01b'], { insecureHTTPParser: true })
  assert.equal(res.headers.x, 'a\x01b')
})
