// SPDX-License-Identifier: MIT
//
// Input that is as dense, as large or as early as possible.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const { test } = require('node:test')

const { Agent, hawserOnly } = require('../support/agent')
const { request } = require('../support/request')
const { rawServer, start, httpServer } = require('../support/servers')

function agentFor (t, options) {
  const agent = new Agent(options)
  t.after(() => agent.destroy())
  return agent
}

for (const chunk of ['1\nX', '1\r\nX', '1\nX\n']) {
  test(`100,000 lenient chunks ${JSON.stringify(chunk)} in one piece`, async (t) => {
    const count = 100000
    const port = await rawServer(t, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' + chunk.repeat(count) + '0\r\n\r\n')
    })
    const agent = agentFor(t)
    const { body } = await request({ port, agent, insecureHTTPParser: true })
    assert.equal(body.length, count)
    assert.ok(body.every((byte) => byte === 88))
  })
}

for (const maxHeaderSize of [2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]) {
  test(`maxHeaderSize ${maxHeaderSize}`, async (t) => {
    const port = await httpServer(t, (req, res) => res.end('ok'))
    const { body } = await request({ port, agent: agentFor(t), maxHeaderSize })
    assert.equal(String(body), 'ok')
  })
}

// Node parses it; hawser treats such a server as unsafe.
test('a server that sends bytes before a late request has begun', { skip: hawserOnly }, async (t) => {
  const port = await start(t, net.createServer((socket) => {
    socket.on('error', () => {})
    socket.write('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n')
  }))
  class Late extends Agent {
    createSocket (req, options, callback) {
      super.createSocket(req, options, (err, socket) => {
        if (err) return callback(err)
        const whenItHasSpoken = () => {
          if (socket.bytesRead > 0) callback(null, socket)
          else setImmediate(whenItHasSpoken)
        }
        whenItHasSpoken()
      })
    }
  }
  const agent = new Late()
  t.after(() => agent.destroy())
  await assert.rejects(request({ port, agent }), { code: 'ECONNRESET' })
  assert.equal(agent.totalSocketCount, 0)
})

test('callbacks of writes that a destroyed request has queued are called', async (t) => {
  const port = await start(t, net.createServer((socket) => socket.on('error', () => {}).pause()))
  const agent = agentFor(t)
  const req = http.request({ host: '127.0.0.1', port, agent, method: 'POST' })
  req.on('error', () => {})
  const big = Buffer.alloc(16 * 1024 * 1024)
  const done = [big, 'x'].map((data) => new Promise((resolve) => req.write(data, resolve)))
  const [socket] = await once(req, 'socket')
  await once(socket, 'connect')
  setImmediate(() => req.destroy())
  const codes = (await Promise.all(done)).map((err) => err?.code)
  const [major] = process.versions.node.split('.').map(Number)
  if (major >= 22) assert.deepEqual(codes, ['ECANCELED', 'ECANCELED']) // older versions report less
})

test('a response emits a timeout that was set in its event', async (t) => {
  const port = await rawServer(t, (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'))
  const agent = agentFor(t)
  const req = http.get({ host: '127.0.0.1', port, agent })
  req.on('error', () => {})
  const [res] = await once(req, 'response')
  res.on('error', () => {}).resume()
  req.setTimeout(20)
  await once(res, 'timeout')
  req.destroy()
})

test('reading a response resumes a paused socket', async (t) => {
  let serverSide
  const port = await rawServer(t, (socket) => {
    serverSide = socket
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe')
  })
  const agent = agentFor(t)
  const req = http.get({ host: '127.0.0.1', port, agent })
  const [res] = await once(req, 'response')
  req.socket.pause()
  serverSide.write('llo')
  let text = ''
  for await (const chunk of res) text += chunk
  assert.equal(text, 'hello')
})
