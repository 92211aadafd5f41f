// SPDX-License-Identifier: MIT
//
// A failure affects only its own request, with the same error as in Node.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const { test } = require('node:test')

const { closedPort } = require('../support/closed-port')
const { Agent, hawserOnly } = require('../support/agent')
const { request } = require('../support/request')
const { httpServer, rawServer } = require('../support/servers')

// The events of a request, with their order and arguments.
function trace (options) {
  return new Promise((resolve) => {
    const events = []
    const req = http.get({ host: '127.0.0.1', ...options })
    req.on('response', (res) => {
      events.push('response')
      res.on('data', (chunk) => events.push(`data ${chunk}`))
      res.on('aborted', () => events.push('aborted'))
      res.on('error', (err) => events.push(`res error ${err.code} ${err.message}`))
      res.on('end', () => events.push('end'))
      res.on('close', () => events.push('res close'))
    })
    req.on('error', (err) => events.push(`error ${err.code} ${err.message}`))
    req.on('close', () => {
      events.push('close')
      setImmediate(setImmediate, resolve, events)
    })
  })
}

test('a refused connection is ECONNREFUSED with its address', async (t) => {
  const agent = new Agent()
  const port = await closedPort(t)
  await assert.rejects(request({ port, agent }), {
    code: 'ECONNREFUSED',
    errno: -111,
    syscall: 'connect',
    address: '127.0.0.1',
    port,
    message: `connect ECONNREFUSED 127.0.0.1:${port}`
  })
  while (agent.totalSocketCount > 0) await new Promise(setImmediate)
})

const PARSE_ERRORS = [
  ['garbage', 'garbage\r\n\r\n', 'HPE_INVALID_CONSTANT'],
  ['a bad Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n', 'HPE_INVALID_CONTENT_LENGTH'],
  ['two Content-Lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    'HPE_UNEXPECTED_CONTENT_LENGTH'],
  ['a bad header', 'HTTP/1.1 200 OK\r\na b: c\r\n\r\n', 'HPE_INVALID_HEADER_TOKEN'],
  ['a head above maxHeaderSize', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20000)}\r\n\r\n`,
    'HPE_HEADER_OVERFLOW'],
  ['endless chunk extensions',
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;${'x'.repeat(20000)}\r\nx\r\n0\r\n\r\n`,
    'HPE_CHUNK_EXTENSIONS_OVERFLOW']
]

for (const [title, bytes, code] of PARSE_ERRORS) {
  test(`${title} is ${code}, as with the built-in Agent, and affects no other request`, async (t) => {
    const port = await rawServer(t, (socket, text) => socket.write(
      text.startsWith('GET /bad') ? bytes : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
    const fail = async (agent) => {
      const req = http.get({ host: '127.0.0.1', port, agent, path: '/bad' }, (res) => {
        res.on('error', () => {}).resume()
      })
      const [err] = await once(req, 'error')
      if (!req.closed) await once(req, 'close')
      const { message, reason, bytesParsed } = err
      return { code: err.code, message, reason, bytesParsed, packet: err.rawPacket.toString() }
    }
    const agent = new Agent()
    t.after(() => agent.destroy())
    const seen = await fail(agent)
    assert.equal(seen.code, code)
    assert.deepEqual(seen, await fail(new http.Agent({ keepAlive: true })))
    assert.equal(String((await request({ port, agent })).body), 'ok')
    assert.equal(agent.totalSocketCount, 1)
  })
}

for (const [title, act, expected] of [
  ['closes before it answers', (socket) => socket.end(), ['error ECONNRESET socket hang up', 'close']],
  ['resets before it answers', (socket) => socket.resetAndDestroy(),
    ['error ECONNRESET read ECONNRESET', 'close']],
  ['closes in mid-header', (socket) => socket.end('HTTP/1.1 200 OK\r\nConte'),
    ['error ECONNRESET socket hang up', 'close']],
  ['closes in mid-body', (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'),
    ['response', 'data abc', 'aborted', 'res error ECONNRESET aborted', 'res close', 'close']],
  ['closes in mid-chunk',
    (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc'),
    ['response', 'data abc', 'aborted', 'res error ECONNRESET aborted', 'res close', 'close']]
]) {
  test(`a server that ${title}`, async (t) => {
    const port = await rawServer(t, act)
    const agent = new Agent()
    t.after(() => agent.destroy())
    const events = await trace({ port, agent })
    assert.deepEqual([...events].sort(), [...expected].sort())
    assert.deepEqual(events, await trace({ port, agent: new http.Agent({ keepAlive: true }) }))
    assert.equal(agent.totalSocketCount, 0)
  })
}

test('bytes that a server sends before the request are its response', async (t) => {
  const port = await rawServer(t, () => {}, (socket) => {
    socket.write('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  })
  const agent = new Agent()
  t.after(() => agent.destroy())
  const { res } = await request({ port, agent })
  assert.equal(res.statusCode, 408)
})

test('several addresses that all refuse are an AggregateError', async (t) => {
  const port = await closedPort(t)
  const lookup = (host, options, callback) => callback(null, [
    { address: '127.0.0.1', family: 4 }, { address: '127.0.0.2', family: 4 }
  ])
  const fail = (agent) => request({ host: 'many.test', port, agent, lookup })
    .then(() => null, (err) => err)
  const agent = new Agent()
  const err = await fail(agent)
  const builtin = await fail(new http.Agent({ keepAlive: true }))
  assert.ok(err instanceof AggregateError)
  assert.equal(err.code, 'ECONNREFUSED')
  assert.deepEqual(err.errors.map((one) => one.message), builtin.errors.map((one) => one.message))
  while (agent.totalSocketCount > 0) await new Promise(setImmediate)
})

test('the second address is used when the first refuses', async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  const agent = new Agent()
  t.after(() => agent.destroy())
  const attempts = []
  const lookup = (host, options, callback) => callback(null, [
    { address: '127.0.0.9', family: 4 }, { address: '127.0.0.1', family: 4 }
  ])
  const req = http.get({ host: 'many.test', port, agent, lookup })
  req.on('socket', (socket) => socket
    .on('connectionAttempt', (address) => attempts.push(address))
    .on('connectionAttemptFailed', (address) => attempts.push(`${address} failed`)))
  const [res] = await once(req, 'response')
  res.resume()
  assert.equal(req.socket.remoteAddress, '127.0.0.1')
  assert.ok(attempts.includes('127.0.0.9 failed'))
  assert.equal(attempts.at(-1), '127.0.0.1')
})

test('a look-up that fails fails the request', async (t) => {
  const agent = new Agent()
  const lookup = (host, options, callback) =>
    callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }))
  await assert.rejects(request({ host: 'nowhere.test', port: 1, agent, lookup }),
    { code: 'ENOTFOUND', message: 'no such name' })
  while (agent.totalSocketCount > 0) await new Promise(setImmediate)
})

for (const [options, expected] of [
  [{ maxTotalSockets: 'x' }, { code: 'ERR_INVALID_ARG_TYPE', name: 'TypeError' }],
  [{ maxTotalSockets: 0 }, { code: 'ERR_OUT_OF_RANGE', name: 'RangeError' }],
  [{ scheduling: 'random' }, { code: 'ERR_INVALID_ARG_VALUE', name: 'TypeError' }]
]) {
  test(`new Agent(${JSON.stringify(options)}) throws ${expected.code}`, () => {
    assert.throws(() => new Agent(options), expected)
  })
}

for (const [options, expected] of [
  [{ maxSockets: '5' }, {
    code: 'ERR_INVALID_ARG_TYPE',
    message: 'The "options.maxSockets" property must be of type number. Received type string (\'5\')'
  }],
  [{ maxSockets: -1 }, {
    code: 'ERR_OUT_OF_RANGE',
    message: 'The value of "options.maxSockets" is out of range. It must be >= 0. Received -1'
  }],
  [{ maxFreeSockets: NaN }, { code: 'ERR_OUT_OF_RANGE' }],
  [{ freeSocketTimeout: {} }, { code: 'ERR_INVALID_ARG_TYPE' }],
  [{ keepAlive: 1 }, { code: 'ERR_INVALID_ARG_TYPE' }],
  [{ timeout: null }, null],
  [{ maxSockets: Infinity }, null]
]) {
  test(`new Agent with ${Object.keys(options)[0]} ${Object.values(options)[0]} ${expected?.code ?? 'works'}`,
    { skip: hawserOnly }, () => {
      if (expected === null) assert.ok(new Agent(options))
      else assert.throws(() => new Agent(options), expected)
    })
}

// The built-in Agent's parser does not survive it: such a request never ends.
test('an exception in a callback is an uncaughtException, and all other requests are served', { skip: hawserOnly }, async (t) => {
  const { spawn } = require('node:child_process')
  const script = `
    const http = require('node:http')
    const { Agent } = require(${JSON.stringify(require.resolve('../support/agent'))})
    const caught = []
    process.on('uncaughtException', (err) => caught.push(err.message))
    const server = http.createServer((req, res) => res.end('ok')).listen(0, '127.0.0.1', () => {
      const agent = new Agent({ maxSockets: 20 })
      let ended = 0
      for (let i = 0; i < 20; i++) {
        http.get({ host: '127.0.0.1', port: server.address().port, agent }, (res) => {
          res.resume().on('end', () => {
            if (++ended === 20) setImmediate(() => { agent.destroy(); server.close() })
          })
          if (i % 4 === 0) throw new Error('mine')
        })
      }
    })
    process.on('exit', () => console.log(caught.join()))`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (chunk) => { out += chunk })
  const [status] = await once(child, 'close')
  assert.equal(status, 0)
  assert.equal(out.trim(), 'mine,mine,mine,mine,mine')
})
