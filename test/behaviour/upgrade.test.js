// SPDX-License-Identifier: MIT
//
// A connection that stops being HTTP: no bytes in flight are lost.
'use strict'

const assert = require('node:assert/strict')
const { createHash } = require('node:crypto')
const { once } = require('node:events')
const fs = require('node:fs')
const http = require('node:http')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')
const tls = require('node:tls')

const { Agent, hawserOnly } = require('../support/agent')
const { pem } = require('../support/https')
const { start, rawServer } = require('../support/servers')

const MIB = 1024 * 1024
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'
const UPGRADE = { headers: { Connection: 'Upgrade', Upgrade: 'x' } }

function numbered (size) {
  const data = Buffer.alloc(size)
  for (let i = 0; i < size; i += 4) data.writeUInt32BE(i, i)
  return data
}

async function everything (socket, head) {
  const parts = [head]
  socket.on('data', (chunk) => parts.push(chunk))
  await once(socket, 'end')
  return Buffer.concat(parts)
}

const SWITCHES = [
  ['upgrade', UPGRADE, SWITCH],
  ['connect', { method: 'CONNECT', path: 'a.test:1' }, 'HTTP/1.1 200 OK\r\n\r\n']
]

for (const [name, options, head] of SWITCHES) {
  test(`${name}: more bytes after the response than one read takes`, async (t) => {
    const data = numbered(MIB)
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-'))
    t.after(() => fs.rmSync(dir, { recursive: true }))
    const socketPath = path.join(dir, 'origin')
    await start(t, net.createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => socket.end(Buffer.concat([Buffer.from(head), data])))
    }), socketPath)
    const agent = new Agent()
    t.after(() => agent.destroy())
    const req = http.request({ socketPath, agent, ...options }).end()
    const [, socket, first] = await once(req, name)
    assert.ok((await everything(socket, first)).equals(data))
  })
}

test('an end of the socket right before the switch is sent', async (t) => {
  let ended
  const port = await rawServer(t, (socket) => {
    socket.write('HTTP/1.1 103 Early Hints\r\n\r\n' + SWITCH)
  }, (socket) => { ended = once(socket, 'end') })
  const agent = new Agent()
  t.after(() => agent.destroy())
  const req = http.request({ host: '127.0.0.1', port, agent, ...UPGRADE }).end()
  req.on('information', () => req.socket.end())
  const [, socket] = await once(req, 'upgrade')
  t.after(() => socket.destroy())
  await ended
})

test('a request body that is still queued is sent, and then what the new protocol writes', async (t) => {
  const body = Buffer.alloc(16 * MIB, 'b')
  let got = 0
  let seen = () => {}
  const port = await start(t, net.createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.write(SWITCH))
    socket.on('data', (chunk) => {
      got += chunk.length
      if (chunk.includes('TUNNEL')) seen()
    })
  }))
  const agent = new Agent()
  t.after(() => agent.destroy())
  const req = http.request({
    host: '127.0.0.1', port, agent, method: 'POST', headers: { ...UPGRADE.headers, 'Content-Length': body.length }
  })
  const order = []
  req.write(body, () => order.push('body'))
  const [, socket] = await once(req, 'upgrade')
  t.after(() => socket.destroy())
  const arrived = new Promise((resolve) => { seen = resolve })
  await new Promise((resolve) => socket.write('TUNNEL', resolve))
  await arrived
  assert.deepEqual(order, ['body'])
  assert.ok(got > body.length)
})

// Node's handle sends the rest of the body, and a protocol over the socket gets such a
// handle. (HTTP/2 over it ends the process, with Node's own agent too: an assertion
// of node_http2.cc about a write that is not its own.)
function echoOverTls (socket) {
  const secure = new tls.TLSSocket(socket, { isServer: true, key: pem('server-key'), cert: pem('server-cert') })
  secure.on('error', () => {}).once('data', (chunk) => secure.end(chunk))
}

for (const [name, options, head] of SWITCHES) {
  test(`TLS over the socket of '${name}' while the request's body is still being sent`, async (t) => {
    const body = Buffer.alloc(16 * MIB, 'b')
    const sum = createHash('sha256')
    const port = await start(t, net.createServer((socket) => {
      let left = null
      socket.on('error', () => {})
      socket.on('data', function take (chunk) {
        if (left === null) { // responds before it reads on
          chunk = chunk.subarray(chunk.indexOf('\r\n\r\n') + 4)
          left = body.length
          socket.pause()
          setImmediate(() => socket.write(head, () => socket.resume()))
        }
        sum.update(chunk.subarray(0, left))
        const rest = chunk.subarray(left)
        left -= chunk.length - rest.length
        if (left > 0) return
        socket.off('data', take).pause()
        if (rest.length > 0) socket.unshift(rest)
        echoOverTls(socket)
      })
    }))
    const agent = new Agent()
    t.after(() => agent.destroy())
    const req = http.request({
      host: '127.0.0.1', port, agent, method: 'POST', ...options, headers: { ...options.headers, 'Content-Length': body.length }
    })
    req.write(body)
    const [, socket] = await once(req, name)
    t.after(() => socket.destroy())
    assert.ok(socket.writableLength > 0, 'the body is still leaving')
    const secure = tls.connect({ socket, ca: pem('ca-cert'), servername: 'localhost' })
    secure.write('hello')
    assert.equal(String((await once(secure, 'data'))[0]), 'hello')
    assert.equal(sum.digest('hex'), createHash('sha256').update(body).digest('hex'))
    assert.ok(socket.bytesWritten > body.length)
  })
}

for (const event of ['socket', 'response', 'end']) {
  test(`a socket that leaves the agent in '${event}' continues to work after the response`, async (t) => {
    const port = await start(t, net.createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', (chunk) => {
        if (chunk.includes('ping')) socket.end('pong')
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      })
    }))
    const agent = new Agent()
    t.after(() => agent.destroy())
    const req = http.get({ host: '127.0.0.1', port, agent })
    const leave = () => req.socket.emit('agentRemove')
    if (event === 'socket') req.on('socket', leave)
    req.on('response', (res) => {
      if (event === 'response') leave()
      if (event === 'end') res.on('end', leave)
      res.resume()
    })
    await once(req, 'close')
    const { socket } = req
    assert.equal(agent.totalSocketCount, 0)
    let text = ''
    socket.on('data', (chunk) => { text += chunk })
    socket.resume()
    socket.write('ping')
    await once(socket, 'close')
    assert.match(text, /pong$/)
  })
}

for (const [when, leave] of [
  ['leaves the agent then', () => {}],
  ['has left it before', (socket) => socket.emit('agentRemove')]
]) {
  test(`hawser has no listener on an upgraded socket that ${when}`, async (t) => {
    const port = await rawServer(t, (socket) => socket.write(SWITCH))
    const agent = new Agent()
    t.after(() => agent.destroy())
    const req = http.get({ host: '127.0.0.1', port, agent, ...UPGRADE })
    req.on('socket', leave)
    const [, socket] = await once(req, 'upgrade')
    t.after(() => socket.destroy())
    assert.equal(agent.totalSocketCount, 0)
    for (const name of ['error', 'timeout', 'free', 'agentRemove']) {
      assert.equal(socket.listenerCount(name), 0, name)
    }
  })
}

for (const [name, options, head] of SWITCHES) {
  test(`a listener for '${name}' that throws: the request is closed`, { skip: hawserOnly }, async (t) => {
    const port = await rawServer(t, (socket) => socket.write(head))
    const agent = new Agent()
    t.after(() => agent.destroy())
    const req = http.request({ host: '127.0.0.1', port, agent, ...options }).end()
    const uncaught = new Promise((resolve) => process.setUncaughtExceptionCaptureCallback(resolve))
    t.after(() => process.setUncaughtExceptionCaptureCallback(null))
    const closed = once(req, 'close')
    req.on(name, (res, socket) => {
      t.after(() => socket.destroy())
      throw new Error('mine')
    })
    assert.equal((await uncaught).message, 'mine')
    await closed
    assert.equal(req.destroyed, true)
  })
}
