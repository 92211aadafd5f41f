// SPDX-License-Identifier: MIT
//
// 1xx responses, which come before the response to the request.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const { test } = require('node:test')

const { Agent } = require('../support/agent')
const { record, settled } = require('../support/events')
const { request } = require('../support/request')
const { scriptedServer } = require('../support/scripted-server')
const { start } = require('../support/servers')

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

function agentFor (t) {
  const agent = new Agent({ maxSockets: 1 })
  t.after(() => agent.destroy())
  return agent
}

test("103 Early Hints emits 'information' with everything that the server sent", async (t) => {
  const { port } = await scriptedServer(t, () => ({
    pieces: ['HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\nX-Y: z\r\n\r\n', OK]
  }))
  const req = http.get({ host: '127.0.0.1', port, agent: agentFor(t) })
  const response = once(req, 'response')
  const [information] = await once(req, 'information')
  assert.deepEqual({ ...information, headers: { ...information.headers } }, {
    statusCode: 103,
    statusMessage: 'Early Hints',
    httpVersion: '1.1',
    httpVersionMajor: 1,
    httpVersionMinor: 1,
    headers: { link: '</a>, </b>', 'x-y': 'z' },
    rawHeaders: ['Link', '</a>', 'Link', '</b>', 'X-Y', 'z']
  })
  const [res] = await response
  assert.equal(res.statusCode, 200)
  assert.equal(res.headers.link, undefined)
  res.resume()
  await once(res, 'end')
})

test("100 brings 'continue', then 'information', then the response", async (t) => {
  const { port } = await scriptedServer(t, () => ({ pieces: [`HTTP/1.1 100 Continue\r\n\r\n${OK}`] }))
  const req = http.get({ host: '127.0.0.1', port, agent: agentFor(t) })
  const events = []
  for (const name of ['information', 'continue', 'response']) req.on(name, () => events.push(name))
  req.on('response', (res) => res.resume())
  await once(req, 'close')
  assert.deepEqual(events, ['continue', 'information', 'response'])
})

test('any number of them may come, and the connection is used again', async (t) => {
  const server = await scriptedServer(t, () => ({
    pieces: [...Array(20).fill('HTTP/1.1 102 Processing\r\n\r\n'), OK]
  }))
  const agent = agentFor(t)
  let count = 0
  const first = http.get({ host: '127.0.0.1', port: server.port, agent }, (res) => res.resume())
  first.on('information', ({ statusCode }) => {
    assert.equal(statusCode, 102)
    count++
  })
  const second = request({ port: server.port, agent })
  assert.equal(String((await second).body), 'ok')
  assert.equal(count, 20)
  assert.equal(server.connections.length, 1)
})

test('they need no listener', async (t) => {
  const { port } = await scriptedServer(t, () => ({
    pieces: ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 110 Whatever\r\n\r\n', OK]
  }))
  const { res, body } = await request({ port, agent: agentFor(t) })
  assert.equal(res.statusCode, 200)
  assert.equal(String(body), 'ok')
})

test('after an informational response alone the close is a socket hang up', async (t) => {
  const { port } = await scriptedServer(t, () => ({
    pieces: ['HTTP/1.1 103 Early Hints\r\n\r\n'], then: 'fin'
  }))
  const req = http.get({ host: '127.0.0.1', port, agent: agentFor(t) })
  const events = record(req)
  await settled(req)
  assert.deepEqual(events, ['socket', 'finish', 'error ECONNRESET: socket hang up', 'close'])
})

test('Expect: 100-continue sends the head first and the body after the 100', async (t) => {
  const server = http.createServer()
  const log = []
  server.on('checkContinue', (req, res) => {
    log.push('head')
    res.writeContinue()
    req.on('data', (chunk) => log.push(String(chunk))).on('end', () => res.end('thanks'))
  })
  const port = await start(t, server)
  const req = http.request({
    host: '127.0.0.1', port, agent: agentFor(t), method: 'POST', headers: { Expect: '100-continue' }
  })
  req.on('continue', () => {
    log.push('continue')
    req.end('body')
  })
  const [res] = await once(req, 'response')
  res.resume()
  await once(res, 'end')
  assert.deepEqual(log, ['head', 'continue', 'body'])
})

test('a server that does not support it answers 417, without a continue', async (t) => {
  const server = http.createServer().on('checkContinue', (req, res) => {
    res.writeHead(417, { Connection: 'close' })
    res.end()
  })
  const port = await start(t, server)
  const req = http.request({
    host: '127.0.0.1', port, agent: agentFor(t), method: 'POST', headers: { Expect: '100-continue' }
  })
  req.on('continue', () => assert.fail('continue'))
  req.on('error', () => {}) // the request is given up half sent
  const [res] = await once(req, 'response')
  assert.equal(res.statusCode, 417)
  res.resume()
  await once(res, 'end')
  req.destroy()
})

test('writeEarlyHints of a Node server arrives', async (t) => {
  const port = await start(t, http.createServer((req, res) => {
    res.writeEarlyHints({ link: '</style.css>; rel=preload' })
    res.end('ok')
  }))
  const req = http.get({ host: '127.0.0.1', port, agent: agentFor(t) }, (res) => res.resume())
  const closed = once(req, 'close')
  const [{ statusCode, headers }] = await once(req, 'information')
  assert.equal(statusCode, 103)
  assert.equal(headers.link, '</style.css>; rel=preload')
  await closed
})
