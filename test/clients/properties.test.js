// SPDX-License-Identifier: MIT
//
// What clients and tracers read from a request, its response, its socket and its
// agent, at each event: all equal to the built-in Agent.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const { test } = require('node:test')

const { withBoth } = require('../support/both-agents')
const { startOrigin } = require('../support/origin')

const SOCKET = ['connecting', 'pending', 'destroyed', 'closed', 'errored', 'readyState', 'readable',
  'writable', 'writableEnded', 'writableFinished', 'writableLength', 'writableHighWaterMark',
  'writableNeedDrain', 'readableEnded', 'readableLength', 'readableHighWaterMark', 'encrypted',
  'authorized', 'allowHalfOpen', 'remoteAddress', 'remoteFamily', 'localAddress', 'localFamily',
  'bytesRead', 'bytesWritten', 'bufferSize', '_hadError', '_host',
  'autoSelectFamilyAttemptedAddresses']
const REQUEST = ['method', 'path', 'host', 'protocol', 'reusedSocket', 'aborted', 'destroyed',
  'closed', 'errored', 'finished', 'headersSent', 'writable', 'writableEnded', 'writableFinished',
  'writableLength', 'writableNeedDrain', 'shouldKeepAlive', 'maxHeadersCount', 'timeout',
  'useChunkedEncodingByDefault', 'upgradeOrConnect', '_header']
const RESPONSE = ['statusCode', 'statusMessage', 'httpVersion', 'httpVersionMajor',
  'httpVersionMinor', 'headers', 'rawHeaders', 'trailers', 'rawTrailers', 'headersDistinct',
  'url', 'method', 'upgrade', 'complete', 'aborted', 'destroyed', 'closed', 'errored', 'readable',
  'readableEnded', 'readableFlowing', 'readableLength', 'readableHighWaterMark', 'readableAborted',
  'readableDidRead']
const AGENT = ['totalSocketCount', 'keepAlive', 'keepAliveMsecs', 'maxSockets', 'maxFreeSockets',
  'maxTotalSockets', 'scheduling', 'defaultPort', 'protocol', 'options']

const pick = (object, names) => Object.fromEntries(names.map((name) => [name, object[name]]))

const lists = (byName) => Object.entries(byName).map(([name, list]) => [name, list.length])

function ofSocket (socket) {
  return {
    ...pick(socket, SOCKET),
    isSocket: socket instanceof net.Socket,
    class: socket.constructor.name,
    timeout: socket.timeout || 0,
    hasLocalPort: typeof socket.localPort,
    remotePort: socket.remotePort,
    address: Object.keys(socket.address()).sort(),
    paused: socket.isPaused(),
    dataListeners: socket.listenerCount('data')
  }
}

function ofResponse (res) {
  return {
    ...pick(res, RESPONSE),
    isMessage: res instanceof http.IncomingMessage,
    class: res.constructor.name,
    hasSocket: [res.socket, res.connection, res.client].map(Boolean)
  }
}

function ofAgent (agent) {
  return {
    ...pick(agent, AGENT),
    sockets: lists(agent.sockets),
    freeSockets: lists(agent.freeSockets),
    requests: lists(agent.requests)
  }
}

// Two requests one after the other; what is visible, event by event.
async function watch (agent, options, body) {
  const seen = []
  for (let i = 0; i < 2; i++) {
    let socket = null
    let res = null
    const see = (event) => seen.push({
      event: `${i} ${event}`,
      agent: ofAgent(agent),
      req: { ...pick(req, REQUEST), socket: Boolean(req.socket), headers: req.getHeaders() },
      socket: socket && ofSocket(socket),
      res: res && ofResponse(res)
    })
    const req = http.request({ agent, method: 'POST', ...options })
    see('made')
    for (const event of ['finish', 'close', 'timeout', 'error', 'continue']) {
      req.on(event, () => see(event))
    }
    req.on('socket', (its) => {
      socket = its
      see('socket')
      for (const event of ['lookup', 'connect', 'ready']) socket.once(event, () => see(event))
    })
    req.end(body)
    ;[res] = await once(req, 'response')
    see('response')
    res.on('end', () => see('res end'))
    const free = once(agent, 'free').then(() => see('free'))
    const closed = once(res, 'close').then(() => see('res close'))
    await Promise.all([free, closed, once(res.resume(), 'end')])
    see('idle')
  }
  return seen
}

for (const [title, agentOptions, options] of [
  ['plain', {}, {}],
  // Less than the server's hint, which with Node also limits the next request.
  ['with time limits of the agent', { timeout: 3500 }, {}],
  ['with time limits of the request', {}, { timeout: 3000 }],
  ['with both', { timeout: 3500 }, { timeout: 3000 }],
  ['with a limit of sockets', { maxSockets: 1, maxTotalSockets: 1, scheduling: 'fifo' }, {}],
  ['by name', {}, { host: 'localhost' }]
]) {
  test(`a request and the next one, ${title}`, async (t) => {
    const origin = await startOrigin(t)
    const seen = await withBoth(origin, agentOptions, (agent) =>
      watch(agent, { host: '127.0.0.1', port: origin.port, path: '/hash', ...options }, 'hello'))
    const events = seen.map(({ event }) => event)
    for (const event of ['0 connect', '0 finish', '0 free', '1 response', '1 idle']) {
      assert.ok(events.includes(event), event)
    }
    assert.ok(!events.includes('1 connect'))
  })
}
