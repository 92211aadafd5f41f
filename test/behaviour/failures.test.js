// SPDX-License-Identifier: MIT
//
// Connections that cannot be made, break, or carry bytes that are not HTTP: which
// error, on which object, with which fields, and no other request affected.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const fs = require('node:fs')
const http = require('node:http')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')

const { Agent } = require('../support/agent')
const { closedPort } = require('../support/closed-port')
const { record, settled } = require('../support/events')
const { request, freed } = require('../support/request')
const { scriptedServer } = require('../support/scripted-server')
const { start } = require('../support/servers')

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'

function agentFor (t, options) {
  const agent = new Agent(options)
  t.after(() => agent.destroy())
  return agent
}

async function empty (agent) {
  while (agent.totalSocketCount > 0) await new Promise(setImmediate)
}

async function failed (options) {
  const req = http.get({ host: '127.0.0.1', ...options })
  const [err] = await once(req, 'error')
  return err
}

test('a refused connection: ECONNREFUSED with all its fields, then close, no socket left', async (t) => {
  const port = await closedPort(t)
  const agent = agentFor(t)
  const req = http.get({ host: '127.0.0.1', port, agent })
  const events = record(req)
  let error
  req.on('error', (err) => { error = err })
  await settled(req)
  assert.deepEqual({ ...error }, {
    errno: -os.constants.errno.ECONNREFUSED,
    code: 'ECONNREFUSED',
    syscall: 'connect',
    address: '127.0.0.1',
    port
  })
  assert.ok(error instanceof Error)
  assert.equal(error.message, `connect ECONNREFUSED 127.0.0.1:${port}`)
  assert.equal(events.filter((name) => name.startsWith('error')).length, 1)
  assert.equal(events.filter((name) => name === 'close').length, 1)
  assert.equal(events.at(-1), 'close')
  assert.equal(req.destroyed, true)
  await empty(agent)
  assert.deepEqual(Object.keys(agent.sockets), [])
})

test('a Unix socket that is not there: ENOENT with its path', async (t) => {
  const socketPath = path.join(os.tmpdir(), `hawser-none-${process.pid}`)
  const agent = agentFor(t)
  const err = await failed({ socketPath, agent })
  assert.deepEqual({ ...err }, {
    errno: -os.constants.errno.ENOENT, code: 'ENOENT', syscall: 'connect', address: socketPath
  })
  assert.equal(err.message, `connect ENOENT ${socketPath}`)
  await empty(agent)
})

test('a Unix socket that is a plain file: ECONNREFUSED', async (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-'))
  t.after(() => fs.rmSync(dir, { recursive: true }))
  const socketPath = path.join(dir, 'file')
  fs.writeFileSync(socketPath, '')
  const err = await failed({ socketPath, agent: agentFor(t) })
  assert.equal(err.code, 'ECONNREFUSED')
  assert.equal(err.message, `connect ECONNREFUSED ${socketPath}`)
})

test('a local address that this host does not have: EADDRNOTAVAIL', async (t) => {
  const err = await failed({ port: 1, agent: agentFor(t), localAddress: '192.0.2.1' })
  assert.equal(err.code, 'EADDRNOTAVAIL')
  assert.equal(err.syscall, 'bind')
})

test("the socket of a failed connection emits 'error' and 'close' too", async (t) => {
  const port = await closedPort(t)
  const req = http.get({ host: '127.0.0.1', port, agent: agentFor(t) })
  const events = []
  req.on('error', () => {}) // checked on the socket
  req.on('socket', (socket) => {
    socket.on('error', (err) => events.push(err.code))
    socket.on('close', (hadError) => events.push(`close ${hadError}`))
  })
  await settled(req)
  assert.deepEqual(events, ['ECONNREFUSED', 'close true'])
})

const HANG_UP = ['socket', 'finish', 'error ECONNRESET: socket hang up', 'close']
const MID_BODY = ['res aborted', 'res error ECONNRESET: aborted', 'res close', 'close']

for (const [title, answer, expected] of [
  ['closes at once', { pieces: [], then: 'fin' }, HANG_UP],
  ['closes in the status line', { pieces: ['HTTP/1.'], then: 'fin' }, HANG_UP],
  ['closes in the headers', { pieces: ['HTTP/1.1 200 OK\r\nContent-'], then: 'fin' }, HANG_UP],
  ['closes before the empty line', { pieces: ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n'], then: 'fin' },
    HANG_UP],
  ['resets at once', { pieces: [], then: 'rst' },
    ['socket', 'finish', 'error ECONNRESET: read ECONNRESET', 'close']],
  ['resets in the headers', { pieces: ['HTTP/1.1 200 OK\r\nContent-'], then: 'rst' },
    ['socket', 'finish', 'error ECONNRESET: read ECONNRESET', 'close']],
  ['closes in the body', { pieces: ['HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc'], then: 'fin' },
    ['socket', 'finish', 'response', 'data abc', ...MID_BODY]],
  ['closes after the head', { pieces: ['HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n'], then: 'fin' },
    ['socket', 'finish', 'response', ...MID_BODY]],
  ['closes in a chunk', { pieces: [`${CHUNKED}6\r\nabc`], then: 'fin' },
    ['socket', 'finish', 'response', 'data abc', ...MID_BODY]],
  ['closes between chunks', { pieces: [`${CHUNKED}3\r\nabc\r\n`], then: 'fin' },
    ['socket', 'finish', 'response', 'data abc', ...MID_BODY]],
  ['closes in the trailers', { pieces: [`${CHUNKED}3\r\nabc\r\n0\r\nT: `], then: 'fin' },
    ['socket', 'finish', 'response', 'data abc', ...MID_BODY]]
]) {
  test(`a server that ${title}`, async (t) => {
    const { port } = await scriptedServer(t, () => answer)
    const agent = agentFor(t)
    const req = http.get({ host: '127.0.0.1', port, agent })
    const events = record(req)
    await settled(req)
    // Whether the request or its response closes first depends on the moment.
    const order = events.filter((name) => !name.endsWith('close'))
    assert.deepEqual(order, expected.filter((name) => !name.endsWith('close')))
    assert.deepEqual([...events].sort(), [...expected].sort())
    await empty(agent)
    assert.deepEqual(Object.keys(agent.sockets), [])
  })
}

test('a reset in the middle of the body is an error of the response', async (t) => {
  const { port } = await scriptedServer(t, () => ({
    pieces: ['HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc'], then: 'rst'
  }))
  const req = http.get({ host: '127.0.0.1', port, agent: agentFor(t) })
  const events = record(req)
  const response = once(req, 'response')
  await settled(req)
  const [res] = await response
  assert.equal(res.complete, false)
  assert.equal(res.aborted, true)
  assert.equal(res.destroyed, true)
  assert.equal(res.readableEnded, false)
  assert.ok(events.includes('res aborted'))
  assert.ok(events.includes('res error ECONNRESET: aborted'))
  assert.equal(events.includes('res end'), false)
})

test('for await over a broken response throws the error', async (t) => {
  const { port } = await scriptedServer(t, () => ({
    pieces: ['HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc'], then: 'fin'
  }))
  const req = http.get({ host: '127.0.0.1', port, agent: agentFor(t) })
  const [res] = await once(req, 'response')
  let text = ''
  await assert.rejects(async () => {
    for await (const chunk of res) text += chunk
  }, { code: 'ECONNRESET', message: 'aborted' })
  assert.equal(text, 'abc')
})

test('a reused connection that dies during its request is a socket hang up', async (t) => {
  const server = await scriptedServer(t, (n) => n === 0
    ? { pieces: [OK] }
    : { pieces: [], then: 'fin' })
  const agent = agentFor(t, { retryStale: false })
  const free = freed(agent)
  await request({ port: server.port, agent })
  await free
  const req = http.request({ host: '127.0.0.1', port: server.port, agent, method: 'POST' })
  const events = record(req)
  req.end('x')
  await settled(req)
  assert.equal(req.reusedSocket, true)
  assert.deepEqual(events, HANG_UP)
})

// The whole error: code, reason, position of the parser.
for (const [title, bytes, code, reason, bytesParsed] of [
  ['is not HTTP', 'garbage\r\n\r\n', 'HPE_INVALID_CONSTANT', 'Expected HTTP/, RTSP/ or ICE/', 0],
  ['has another version', 'HTTP/9.9 200 OK\r\n\r\n', 'HPE_INVALID_VERSION', 'Invalid HTTP version', 8],
  ['has no status code', 'HTTP/1.1 OK\r\n\r\n', 'HPE_INVALID_STATUS', 'Invalid status code', 9],
  ['has a header without a name', 'HTTP/1.1 200 OK\r\n: x\r\n\r\n', 'HPE_INVALID_HEADER_TOKEN',
    'Invalid header token', 17],
  ['has a space in a header name', 'HTTP/1.1 200 OK\r\nA B: x\r\n\r\n', 'HPE_INVALID_HEADER_TOKEN',
    'Invalid header token', 18],
  ['has letters in Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n',
    'HPE_INVALID_CONTENT_LENGTH', 'Invalid character in Content-Length', 34],
  ['has a negative Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
    'HPE_INVALID_CONTENT_LENGTH', 'Invalid character in Content-Length', 33],
  ['has a Content-Length too big for anything',
    'HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n',
    'HPE_INVALID_CONTENT_LENGTH', 'Content-Length overflow', 53],
  ['is chunked and has a Content-Length',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n',
    'HPE_INVALID_CONTENT_LENGTH', "Content-Length can't be present with Transfer-Encoding", 60]
]) {
  test(`a response that ${title} is ${code}`, async (t) => {
    const { port } = await scriptedServer(t, (n) => ({ pieces: [n === 0 ? bytes : OK] }))
    const agent = agentFor(t)
    const req = http.get({ host: '127.0.0.1', port, agent })
    const events = record(req)
    const [err] = await once(req, 'error')
    await settled(req)
    assert.equal(err.code, code)
    assert.equal(err.reason, reason)
    assert.equal(err.message, `Parse Error: ${reason}`)
    assert.equal(err.bytesParsed, bytesParsed)
    assert.deepEqual(err.rawPacket, Buffer.from(bytes))
    assert.deepEqual(events,
      ['socket', 'finish', `error ${err.code}: ${err.message}`, 'close'])
    await empty(agent)
    assert.equal(String((await request({ port, agent })).body), 'ok')
  })
}

test('rawPacket is the piece that contains the error, bytesParsed counts from its start', async (t) => {
  const { port } = await scriptedServer(t, () => ({
    pieces: ['HTTP/1.1 200 OK\r\nX-A: 1\r\n', 'X-B: 2\r\nBad Header: 3\r\n\r\n']
  }))
  const err = await failed({ port, agent: agentFor(t) })
  assert.equal(err.code, 'HPE_INVALID_HEADER_TOKEN')
  assert.equal(String(err.rawPacket), 'X-B: 2\r\nBad Header: 3\r\n\r\n')
  assert.equal(err.bytesParsed, 11)
})

test('a bad chunk size in the middle of the body is an error of the request and of the response',
  async (t) => {
    const { port } = await scriptedServer(t, () => ({
      pieces: [`${CHUNKED}3\r\nabc\r\n`, 'zz\r\n']
    }))
    const req = http.get({ host: '127.0.0.1', port, agent: agentFor(t) })
    const events = record(req)
    await settled(req)
    assert.deepEqual(events.filter((name) => !name.endsWith('close')), [
      'socket', 'finish', 'response', 'data abc',
      'error HPE_INVALID_CHUNK_SIZE: Parse Error: Invalid character in chunk size',
      'res aborted', 'res error ECONNRESET: aborted'
    ])
    assert.equal(events.filter((name) => name === 'close').length, 1)
    assert.equal(events.filter((name) => name === 'res close').length, 1)
  })

test('the head does not fit: HPE_HEADER_OVERFLOW, whether whole or in pieces', async (t) => {
  const long = 'x'.repeat(9000)
  for (const pieces of [
    [`HTTP/1.1 200 OK\r\nA: ${long}${long}\r\n\r\n`],
    ['HTTP/1.1 200 OK\r\n', `A: ${long}\r\n`, `B: ${long}\r\n`, '\r\n']
  ]) {
    const { port } = await scriptedServer(t, () => ({ pieces }))
    const err = await failed({ port, agent: agentFor(t) })
    assert.equal(err.code, 'HPE_HEADER_OVERFLOW')
    assert.equal(err.message, 'Parse Error: Header overflow')
    assert.equal(err.reason, 'Header overflow')
  }
})

test('one request in five is answered with garbage, and the others are served', async (t) => {
  const { port } = await scriptedServer(t, (n, text) => ({
    pieces: [text.startsWith('GET /bad') ? '!!!' : OK]
  }))
  const agent = agentFor(t, { maxSockets: 3 })
  const results = await Promise.allSettled(Array.from({ length: 50 }, (_, i) =>
    request({ port, agent, path: i % 5 === 0 ? '/bad' : '/good' })))
  for (const [i, { status, value, reason }] of results.entries()) {
    if (i % 5 === 0) assert.equal(reason.code, 'HPE_INVALID_CONSTANT')
    else assert.equal(status === 'fulfilled' && String(value.body), 'ok')
  }
})

test('a response that came before the request was written is taken', async (t) => {
  const server = net.createServer((socket) => {
    socket.on('error', () => {}) // the client closes with bytes unread
    socket.write(OK)
  })
  const port = await start(t, server)
  const { body } = await request({ port, agent: agentFor(t) })
  assert.equal(String(body), 'ok')
})

for (const [title, lookup, expected] of [
  ['an error at once', (host, options, callback) =>
    callback(Object.assign(new Error('queryA ESERVFAIL'), { code: 'ESERVFAIL', hostname: host })),
  { code: 'ESERVFAIL', message: 'queryA ESERVFAIL', hostname: 'no.test' }],
  ['an error later', (host, options, callback) =>
    setImmediate(callback, Object.assign(new Error('later'), { code: 'EAI_AGAIN' })),
  { code: 'EAI_AGAIN', message: 'later' }],
  ['something that is no address', (host, options, callback) =>
    options.all ? callback(null, [{ address: 'nonsense', family: 4 }]) : callback(null, 'nonsense', 4),
  { code: 'ERR_INVALID_IP_ADDRESS', message: 'Invalid IP address: nonsense' }],
  ['a family that does not exist', (host, options, callback) =>
    options.all ? callback(null, [{ address: '127.0.0.1', family: 5 }]) : callback(null, '127.0.0.1', 5),
  { code: 'ERR_INVALID_ADDRESS_FAMILY' }]
]) {
  test(`a lookup that gives ${title}`, async (t) => {
    const agent = agentFor(t)
    const req = http.get({ host: 'no.test', port: 80, agent, lookup })
    const events = record(req)
    const [err] = await once(req, 'error')
    for (const [name, value] of Object.entries(expected)) assert.equal(err[name], value)
    await settled(req)
    assert.equal(events.filter((name) => name.startsWith('error')).length, 1)
    assert.equal(events.at(-1), 'close')
    await empty(agent)
  })
}

test('all addresses of a name refuse: an AggregateError with each of them', async (t) => {
  const port = await closedPort(t)
  const addresses = ['127.0.0.1', '127.0.0.2', '127.0.0.3']
  const lookup = (host, options, callback) =>
    callback(null, addresses.map((address) => ({ address, family: 4 })))
  const err = await failed({ host: 'many.test', port, agent: agentFor(t), lookup })
  assert.ok(err instanceof AggregateError)
  assert.equal(err.code, 'ECONNREFUSED')
  assert.deepEqual(err.errors.map(({ message }) => message),
    addresses.map((address) => `connect ECONNREFUSED ${address}:${port}`))
})

for (const [options, code, message] of [
  [{ maxTotalSockets: 'x' }, 'ERR_INVALID_ARG_TYPE',
    "The \"maxTotalSockets\" argument must be of type number. Received type string ('x')"],
  [{ maxTotalSockets: null }, 'ERR_INVALID_ARG_TYPE',
    'The "maxTotalSockets" argument must be of type number. Received null'],
  [{ maxTotalSockets: 0 }, 'ERR_OUT_OF_RANGE',
    'The value of "maxTotalSockets" is out of range. It must be >= 1. Received 0'],
  [{ maxTotalSockets: -1 }, 'ERR_OUT_OF_RANGE',
    'The value of "maxTotalSockets" is out of range. It must be >= 1. Received -1'],
  [{ maxTotalSockets: NaN }, 'ERR_OUT_OF_RANGE',
    'The value of "maxTotalSockets" is out of range. It must be >= 1. Received NaN'],
  [{ scheduling: 'filo' }, 'ERR_INVALID_ARG_VALUE',
    "The argument 'scheduling' must be one of: 'fifo', 'lifo'. Received 'filo'"]
]) {
  const [[name, value]] = Object.entries(options)
  test(`new Agent({ ${name}: ${value} }) throws ${code}`, () => {
    assert.throws(() => new Agent(options), { code, message })
  })
}

for (const [title, options, code] of [
  ['a path with a space', { path: '/a b' }, 'ERR_UNESCAPED_CHARACTERS'],
  ['a header name with a space', { headers: { 'a b': '1' } }, 'ERR_INVALID_HTTP_TOKEN'],
  ['a header value with a line end', { headers: { a: '1\r\nb: 2' } }, 'ERR_INVALID_CHAR'],
  ['a header without a value', { headers: { a: undefined } }, 'ERR_HTTP_INVALID_HEADER_VALUE'],
  ['a method that is no token', { method: 'GE T' }, 'ERR_INVALID_HTTP_TOKEN'],
  ['https:', { protocol: 'https:' }, 'ERR_INVALID_PROTOCOL'],
  ['a host that is a number', { host: 5 }, 'ERR_INVALID_ARG_TYPE'],
  ['a port out of range', { port: 65536 }, 'ERR_SOCKET_BAD_PORT'],
  ['a timeout that is a string', { timeout: 'x' }, 'ERR_INVALID_ARG_TYPE'],
  ['a family out of range', { family: 5, host: 'localhost' }, 'ERR_INVALID_ARG_VALUE'],
  ['a localAddress that is none', { localAddress: 'nonsense' }, 'ERR_INVALID_IP_ADDRESS'],
  ['a lookup that is no function', { lookup: 5, host: 'localhost' }, 'ERR_INVALID_ARG_TYPE']
]) {
  test(`a request with ${title} throws ${code} and leaks nothing`, (t) => {
    const agent = agentFor(t)
    assert.throws(() => http.request({ host: '127.0.0.1', port: 80, agent, ...options }), { code })
    assert.equal(agent.totalSocketCount, 0)
    assert.deepEqual(Object.values(agent.sockets).flat(), [])
    assert.deepEqual(Object.keys(agent.requests), [])
  })
}
