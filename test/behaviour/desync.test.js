// SPDX-License-Identifier: MIT
//
// Attacks on pooled connections: a response must never reach a request that it was
// not meant for, and nothing from the caller may become a second request.
// docs/security.md has the rules.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const { test } = require('node:test')

const { Agent, hawserOnly } = require('../support/agent')
const { request } = require('../support/request')
const { httpServer, rawServer } = require('../support/servers')

const good = (text) => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`
const EVIL = good('evil')

// A server whose n-th request over all connections is answered by answers[n],
// or by its own path; { connections } counts. An answer is bytes or a function.
async function victim (t, answers) {
  const state = { connections: 0, requests: 0, wire: [] }
  state.port = await rawServer(t, (socket, text) => {
    state.wire.push(text)
    const answer = answers[state.requests++]
    if (typeof answer === 'function') answer(socket)
    else socket.write(answer ?? good(text.split(' ')[1]), 'latin1')
  }, () => { state.connections++ })
  return state
}

function agentFor (t) {
  const agent = new Agent({ maxSockets: 1 })
  t.after(() => agent.destroy())
  return agent
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

// Sends three requests over one place: a good one, the attacked one and the one
// that an attacker is after, which must get its own response.
async function third (t, attack, options) {
  const server = await victim(t, [undefined, attack])
  const agent = agentFor(t)
  const { port } = server
  assert.equal(String((await request({ port, agent, path: '/1' })).body), '/1')
  const attacked = http.get({ port, host: '127.0.0.1', agent, path: '/2', ...options })
  attacked.on('error', () => {}) // or a response, which is dropped
  await new Promise((resolve) => attacked.on('close', resolve))
  const { body, req } = await request({ port, agent, path: '/3' })
  assert.equal(String(body), '/3')
  return { server, req }
}

for (const [shape, attack, options] of [
  ['a second response in the same packet', `${good('/2')}${EVIL}`],
  ['one byte after the response', `${good('/2')}x`],
  ['a body in the response to HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 61\r\n\r\n' + EVIL, { method: 'HEAD' }],
  ['a body after 204', 'HTTP/1.1 204 No Content\r\n\r\n' + EVIL],
  ['a body after 304', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n' + EVIL],
  ['two different lengths', `HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 40\r\n\r\n/2${EVIL}`],
  ['a list of lengths', `HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n/2${EVIL}`],
  ['a length with a sign', `HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n/2${EVIL}`],
  ['a length beyond 64 bits', `HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n/2${EVIL}`],
  ['length and chunked together', `HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n/2\r\n0\r\n\r\n${EVIL}`],
  ['chunked that is not the last coding', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, x\r\n\r\n2\r\n/2\r\n0\r\n\r\n${EVIL}`, { timeout: 50 }],
  ['a chunk size beyond 64 bits', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n/2${EVIL}`],
  ['bytes after the last chunk', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n/2\r\n0\r\n\r\n${EVIL}`],
  ['a space before the colon', `HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n/2${EVIL}`, { timeout: 50 }],
  ['a folded length', `HTTP/1.1 200 OK\r\nContent-Length:\r\n 2\r\n\r\n/2${EVIL}`],
  ['bare LF line ends', `HTTP/1.1 200 OK\nContent-Length: 2\n\n/2${EVIL}`],
  ['a NUL in a header', `HTTP/1.1 200 OK\r\nA: \0\r\nContent-Length: 2\r\n\r\n/2${EVIL}`],
  ['an unrequested 101', `HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n${EVIL}`]
]) {
  test(`${shape}: the connection is not used again`, async (t) => {
    const withTimeout = options?.timeout !== undefined
    const { server, req } = await third(t,
      withTimeout ? (socket) => socket.end(attack, 'latin1') : attack,
      withTimeout ? undefined : options)
    assert.equal(req.reusedSocket, false)
    assert.equal(server.connections, 2)
  })
}

test('bytes on an idle connection close it, and reach no request', { skip: hawserOnly }, async (t) => {
  let poison
  const server = await victim(t, [(socket) => {
    socket.write(good('/1'))
    poison = () => socket.write(EVIL)
  }])
  const agent = agentFor(t)
  const { port } = server
  const { req } = await request({ port, agent, path: '/1' })
  const closed = once(req.socket, 'close')
  await turn()
  poison()
  await closed
  const next = await request({ port, agent, path: '/2' })
  assert.equal(String(next.body), '/2')
  assert.equal(next.req.reusedSocket, false)
})

test('bytes that the loop has not read yet are seen when the connection is leased',
  { skip: hawserOnly }, async (t) => {
    let poison
    const server = await victim(t, [(socket) => {
      socket.write(good('/1'))
      poison = () => socket.write(EVIL)
    }])
    const agent = agentFor(t)
    const { port } = server
    await request({ port, agent, path: '/1' })
    await turn()
    poison() // and at once, without a turn of the loop in between:
    const next = await request({ port, agent, path: '/2' })
    assert.equal(String(next.body), '/2')
    assert.equal(next.req.reusedSocket, false)
  })

test('a response that came before its request cannot shift those that follow', { skip: hawserOnly }, async (t) => {
  let connections = 0
  const port = await rawServer(t, (socket, text) => socket.write(good(text.split(' ')[1])),
    (socket) => { if (connections++ === 0) socket.write(EVIL) })
  const agent = agentFor(t)
  const first = http.get({ host: '127.0.0.1', port, agent, path: '/1' }, (res) => res.resume())
  first.on('error', () => {})
  await once(first, 'close')
  for (let i = 0; i < 3; i++) await turn() // for its own response to be too much
  const { req, body } = await request({ port, agent, path: '/2' })
  assert.equal(String(body), '/2')
  assert.equal(req.reusedSocket, false)
})

test('20,000 informational responses cost no memory, and the final one counts', async (t) => {
  const flood = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(20000)
  const server = await victim(t, [flood + good('done')])
  let seen = 0
  const req = http.get({ port: server.port, agent: agentFor(t) })
  req.on('information', () => { seen++ })
  const [res] = await once(req, 'response')
  assert.equal(seen, 20000)
  assert.equal(String((await res.toArray())[0]), 'done')
})

for (const [what, options, code] of [
  ['a path with CR LF', { path: '/\r\nEvil: yes' }, 'ERR_UNESCAPED_CHARACTERS'],
  ['a path with a space', { path: '/ HTTP/1.1' }, 'ERR_UNESCAPED_CHARACTERS'],
  ['a method with CR LF', { method: 'GET / HTTP/1.1\r\nEvil: yes\r\n\r\nGET' }, 'ERR_INVALID_HTTP_TOKEN'],
  ['a header value with CR LF', { headers: { a: 'b\r\nEvil: yes' } }, 'ERR_INVALID_CHAR'],
  ['a header value with NUL', { headers: { a: 'b\0' } }, 'ERR_INVALID_CHAR'],
  ['a header name with a colon', { headers: { 'a:b': 'c' } }, 'ERR_INVALID_HTTP_TOKEN'],
  ['a header name with CR LF', { headers: { 'a\r\nb': 'c' } }, 'ERR_INVALID_HTTP_TOKEN'],
  ['a host with CR LF', { host: 'localhost\r\nEvil: yes' }, 'ERR_INVALID_CHAR'],
  ['a Host with CR LF', { headers: { host: 'a\r\nEvil: yes' } }, 'ERR_INVALID_CHAR'],
  ['a list of headers with CR LF', { headers: ['a', 'b\r\nEvil: yes'] }, 'ERR_INVALID_CHAR']
]) {
  test(`${what} is refused as Node does it, and nothing is sent`, async (t) => {
    const server = await victim(t, [])
    const agent = agentFor(t)
    assert.throws(() => http.request({ host: '127.0.0.1', port: server.port, agent, ...options }),
      { code })
    assert.equal(agent.totalSocketCount, 0)
    const { body } = await request({ port: server.port, agent, path: '/after' })
    assert.equal(String(body), '/after')
    assert.equal(server.wire.length, 1)
  })
}

// A look-up ends at the NUL. Node itself checks since 22.
test('a host with NUL is refused', { skip: hawserOnly }, async (t) => {
  const server = await victim(t, [])
  const agent = agentFor(t)
  const { port } = server
  for (const host of ['localhost\0.evil', '127.0.0.1\0']) {
    assert.throws(() => http.request({ host, port, agent, headers: { host: 'a' } }),
      { code: 'ERR_INVALID_ARG_VALUE', message: /without null bytes/ })
  }
  assert.equal(agent.totalSocketCount, 0)
  assert.deepEqual([agent.sockets, agent.requests].flatMap(Object.keys), [])
})

test('a trailer with CR LF is refused', async (t) => {
  const seen = []
  const port = await httpServer(t, (req, res) => {
    req.resume().on('end', () => {
      seen.push(req.trailers)
      res.end()
    })
  })
  const req = http.request({ port, agent: agentFor(t), method: 'POST', headers: { trailer: 't' } })
  req.write('x')
  assert.throws(() => req.addTrailers({ t: 'a\r\nEvil: yes' }), { code: 'ERR_INVALID_CHAR' })
  req.end()
  const [res] = await once(req, 'response')
  res.resume()
  await once(res, 'end')
  assert.deepEqual(seen.map(Object.keys), [[]])
})

test('no request is written before the response to the one ahead is over', async (t) => {
  const seen = []
  const server = await victim(t, Array.from({ length: 3 }, (_, i) => (socket) => {
    seen.push(server.wire.length)
    setImmediate(() => setImmediate(() => {
      assert.equal(server.wire.length, i + 1)
      socket.write(good('ok'))
    }))
  }))
  const agent = agentFor(t)
  await Promise.all([1, 2, 3].map(() => request({ port: server.port, agent })))
  assert.deepEqual(seen, [1, 2, 3])
})
