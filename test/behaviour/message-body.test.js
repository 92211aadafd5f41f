// SPDX-License-Identifier: MIT
//
// Where a response's body ends: the user gets all of it and nothing more, and the
// connection is in the right state afterwards.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const { test } = require('node:test')

const { Agent } = require('../support/agent')
const { request } = require('../support/request')
const { scriptedServer } = require('../support/scripted-server')

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'

function agentFor (t, options = { maxSockets: 1 }) {
  const agent = new Agent(options)
  t.after(() => agent.destroy())
  return agent
}

for (const [title, bytes, expected] of [
  ['sizes in upper and lower case', `${CHUNKED}A\r\n0123456789\r\na\r\nabcdefghij\r\n0\r\n\r\n`,
    '0123456789abcdefghij'],
  ['sizes with leading zeros', `${CHUNKED}0003\r\nabc\r\n000\r\n\r\n`, 'abc'],
  ['no chunk but the last', `${CHUNKED}0\r\n\r\n`, ''],
  ['extensions with and without a value', `${CHUNKED}3;a\r\nabc\r\n1;b=c;d="e;f"\r\nd\r\n0;g\r\n\r\n`, 'abcd'],
  ['data that looks like framing', `${CHUNKED}9\r\n0\r\n\r\nHTTP\r\n0\r\n\r\n`, '0\r\n\r\nHTTP'],
  ['the coding written in capitals',
    'HTTP/1.1 200 OK\r\nTRANSFER-ENCODING: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', 'ok'],
  ['a coding in front of it',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', 'ok']
]) {
  test(`a chunked body, ${title}, and the connection is used again`, async (t) => {
    const server = await scriptedServer(t, () => ({ pieces: [bytes] }))
    const agent = agentFor(t)
    const both = [request({ port: server.port, agent }), request({ port: server.port, agent })]
    for (const { body } of await Promise.all(both)) {
      assert.equal(body.toString('latin1'), expected)
    }
    assert.equal(server.connections.length, 1)
  })
}

for (const [title, first, options] of [
  ['HEAD with Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n', { method: 'HEAD' }],
  ['HEAD with chunked', CHUNKED, { method: 'HEAD' }],
  ['204', 'HTTP/1.1 204 No Content\r\n\r\n', {}],
  ['304', 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n', {}],
  ['304 with chunked', 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n', {}]
]) {
  test(`${title} has no body, and the connection is reused`, async (t) => {
    const server = await scriptedServer(t, (n) => ({
      pieces: [n === 0 ? first : 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext']
    }))
    const agent = agentFor(t)
    const [empty, next] = await Promise.all(
      [request({ port: server.port, agent, ...options }), request({ port: server.port, agent })])
    assert.equal(empty.body.length, 0)
    assert.equal(empty.res.complete, true)
    assert.equal(String(next.body), 'next')
    assert.equal(server.connections.length, 1)
  })
}

// Node asks whether the connection can be reused before its parser learns that
// there is no body.
for (const [title, bytes, body, trailers] of [
  ['Content-Length', 'HTTP/1.1 200 Fine\r\nX-A: b\r\nContent-Length: 6\r\n\r\nabcdef', 'abcdef', []],
  ['chunked', `HTTP/1.1 200 Fine\r\nX-A: b\r\n${CHUNKED.slice(17)}` +
    '4;e="f"\r\nabcd\r\n02\r\nef\r\n0\r\nT: u\r\n\r\n', 'abcdef', ['T', 'u']]
]) {
  test(`a response with ${title} may be cut anywhere, once or twice`, async (t) => {
    const cuts = []
    for (let i = 1; i < bytes.length; i++) {
      cuts.push([bytes.slice(0, i), bytes.slice(i)])
      const j = i + 1 + (i * 5) % (bytes.length - i)
      if (j < bytes.length) cuts.push([bytes.slice(0, i), bytes.slice(i, j), bytes.slice(j)])
    }
    const server = await scriptedServer(t, (n) => ({ pieces: cuts[n] }))
    const agent = agentFor(t)
    for (const pieces of cuts) {
      const { res, body: seen } = await request({ port: server.port, agent })
      const where = JSON.stringify(pieces)
      assert.equal(String(seen), body, where)
      assert.equal(res.statusMessage, 'Fine', where)
      assert.equal(res.headers['x-a'], 'b', where)
      assert.equal(res.rawHeaders.length, 4, where)
      assert.deepEqual(res.rawTrailers, trailers, where)
    }
    assert.equal(server.connections.length, 1)
  })
}

test('without framing the body extends to the close, in any number of pieces', async (t) => {
  const server = await scriptedServer(t, () => ({
    pieces: ['HTTP/1.1 200 OK\r\nX: y\r\n\r\none ', 'two ', 'three'], then: 'fin'
  }))
  const agent = agentFor(t)
  for (let i = 1; i <= 2; i++) {
    const { res, body, req } = await request({ port: server.port, agent })
    assert.equal(String(body), 'one two three')
    assert.equal(res.complete, true)
    assert.equal(req.reusedSocket, false)
    assert.equal(server.connections.length, i)
  }
})

test('without framing the body may be empty', async (t) => {
  const server = await scriptedServer(t, () => ({ pieces: ['HTTP/1.1 200 OK\r\n\r\n'], then: 'fin' }))
  const { body, res } = await request({ port: server.port, agent: agentFor(t) })
  assert.equal(body.length, 0)
  assert.equal(res.complete, true)
})

test('complete is false while the body comes, and true at its end', async (t) => {
  const server = await scriptedServer(t, () => ({
    pieces: ['HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc', 'def']
  }))
  const req = http.get({ host: '127.0.0.1', port: server.port, agent: agentFor(t) })
  const [res] = await once(req, 'response')
  assert.equal(res.complete, false)
  const [first] = await once(res, 'data')
  assert.equal(String(first), 'abc')
  assert.equal(res.complete, false)
  await once(res, 'end')
  assert.equal(res.complete, true)
})

test('trailers are there at the end and not before', async (t) => {
  const server = await scriptedServer(t, () => ({
    pieces: [`${CHUNKED}2\r\nok\r\n`, '0\r\nX-A: 1\r\nX-A: 2\r\nSet-Cookie: c\r\nExpires: \xe9\r\n\r\n']
  }))
  const req = http.get({ host: '127.0.0.1', port: server.port, agent: agentFor(t) })
  const [res] = await once(req, 'response')
  assert.deepEqual({ ...res.trailers }, {})
  assert.deepEqual(res.rawTrailers, [])
  res.resume()
  await once(res, 'end')
  assert.deepEqual({ ...res.trailers }, { 'x-a': '1, 2', 'set-cookie': ['c'], expires: '\xe9' })
  assert.deepEqual({ ...res.trailersDistinct },
    { 'x-a': ['1', '2'], 'set-cookie': ['c'], expires: ['\xe9'] })
  assert.deepEqual(res.rawTrailers,
    ['X-A', '1', 'X-A', '2', 'Set-Cookie', 'c', 'Expires', '\xe9'])
  assert.equal(res.headers['x-a'], undefined)
})

test('ten thousand chunks of one byte', async (t) => {
  const server = await scriptedServer(t, () => ({
    pieces: [`${CHUNKED}${'1\r\nx\r\n'.repeat(10000)}0\r\n\r\n`]
  }))
  const { body } = await request({ port: server.port, agent: agentFor(t) })
  assert.equal(String(body), 'x'.repeat(10000))
})

test('a body that looks like a response is a body', async (t) => {
  const inner = 'HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nbad'
  const server = await scriptedServer(t, () => ({
    pieces: [`HTTP/1.1 200 OK\r\nContent-Length: ${inner.length}\r\n\r\n`, inner]
  }))
  const { body, res } = await request({ port: server.port, agent: agentFor(t) })
  assert.equal(res.statusCode, 200)
  assert.equal(String(body), inner)
})

test('a hundred responses of all framings in turn, in odd pieces, on one connection', async (t) => {
  const kinds = [
    [`${CHUNKED}5\r\nhello\r\n0\r\n\r\n`, 'hello'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nworld', 'world'],
    ['HTTP/1.1 204 No Content\r\n\r\n', ''],
    [`HTTP/1.1 103 Early Hints\r\n\r\n${CHUNKED}1;x=y\r\n!\r\n0\r\nT: 1\r\n\r\n`, '!']
  ]
  const server = await scriptedServer(t, (n) => {
    const [bytes] = kinds[n % kinds.length]
    const at = 1 + (n * 7) % (bytes.length - 1)
    return { pieces: [bytes.slice(0, at), bytes.slice(at)] }
  })
  const agent = agentFor(t)
  const all = await Promise.all(
    Array.from({ length: 100 }, () => request({ port: server.port, agent })))
  for (const [n, { body }] of all.entries()) assert.equal(String(body), kinds[n % kinds.length][1])
  assert.equal(server.connections.length, 1)
})

test('a response that is read late is still complete', async (t) => {
  const server = await scriptedServer(t, () => ({
    pieces: ['HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc', 'def', 'ghi']
  }))
  const req = http.get({ host: '127.0.0.1', port: server.port, agent: agentFor(t) })
  const [res] = await once(req, 'response')
  for (let i = 0; i < 10; i++) await new Promise(setImmediate)
  let text = ''
  res.on('readable', () => {
    for (let chunk; (chunk = res.read()) !== null;) text += chunk
  })
  await once(res, 'end')
  assert.equal(text, 'abcdefghi')
})
