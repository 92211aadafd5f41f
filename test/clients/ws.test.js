// SPDX-License-Identifier: MIT
//
// ws with { agent }: the handshake is a request of the Agent's; what follows uses the
// socket that the Agent provides.
'use strict'

const assert = require('node:assert/strict')
const { randomBytes } = require('node:crypto')
const { once } = require('node:events')
const http = require('node:http')
const { test } = require('node:test')
const { WebSocket, WebSocketServer } = require('ws')

const { Agent } = require('../support/agent')
const { withBoth } = require('../support/both-agents')
const { closedPort } = require('../support/closed-port')
const { startOrigin } = require('../support/origin')
const { request, freed } = require('../support/request')
const { start } = require('../support/servers')

// An HTTP server that answers requests and echoes WebSockets.
async function startEcho (t, options) {
  const server = http.createServer((req, res) => res.end('plain'))
  const sockets = new WebSocketServer({ server, ...options })
  sockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  t.after(() => { for (const client of sockets.clients) client.terminate() })
  const port = await start(t, server)
  return { server, sockets, port }
}

function newAgent (t, options) {
  const agent = new Agent(options)
  t.after(() => agent.destroy())
  return agent
}

async function open (port, options, protocols = []) {
  const client = new WebSocket(`ws://127.0.0.1:${port}/`, protocols, options)
  await once(client, 'open')
  return client
}

async function close (client, code) {
  client.close(code)
  return (await once(client, 'close'))[0]
}

for (const perMessageDeflate of [false, true]) {
  test(`messages of all sizes there and back, ${perMessageDeflate ? 'deflated' : 'plain'}`, async (t) => {
    const { port } = await startEcho(t, { perMessageDeflate })
    const client = await open(port, { agent: newAgent(t), perMessageDeflate })
    for (const size of [0, 1, 125, 126, 65535, 65536, 3e6]) {
      const sent = randomBytes(size)
      client.send(sent)
      const [data, isBinary] = await once(client, 'message')
      assert.ok(isBinary && sent.equals(data))
    }
    client.send('grüße')
    assert.equal(String((await once(client, 'message'))[0]), 'grüße')
    client.ping('are you there')
    assert.equal(String((await once(client, 'pong'))[0]), 'are you there')
    assert.equal(await close(client, 4000), 4000)
  })
}

test('a message that comes in one packet with the handshake', async (t) => {
  const { port, sockets } = await startEcho(t)
  sockets.on('connection', (socket) => socket.send('hello'))
  const client = new WebSocket(`ws://127.0.0.1:${port}/`, { agent: newAgent(t) })
  assert.equal(String((await once(client, 'message'))[0]), 'hello')
  await close(client)
})

test('the subprotocol, headers and the upgrade event', async (t) => {
  const { port, sockets } = await startEcho(t, { handleProtocols: () => 'b' })
  const connected = once(sockets, 'connection')
  const client = new WebSocket(`ws://127.0.0.1:${port}/`, ['a', 'b'],
    { agent: newAgent(t), headers: { 'x-mine': 'yes' } })
  const [[res], [, req]] = await Promise.all(
    [once(client, 'upgrade'), connected, once(client, 'open')])
  assert.equal(res.statusCode, 101)
  assert.equal(res.headers.upgrade, 'websocket')
  assert.equal(req.headers['x-mine'], 'yes')
  assert.equal(client.protocol, 'b')
  await close(client)
})

test('over a connection that has served a request, which then is the pool\'s no more', async (t) => {
  const { port, server } = await startEcho(t)
  let connections = 0
  server.on('connection', () => connections++)
  const agent = newAgent(t, { maxSockets: 1 })
  const free = freed(agent)
  await request({ port, agent })
  await free
  const client = await open(port, { agent })
  assert.equal(connections, 1)
  assert.equal(agent.totalSocketCount, 0)
  assert.equal(String((await request({ port, agent })).body), 'plain')
  assert.equal(connections, 2)
  client.send('still there')
  assert.equal(String((await once(client, 'message'))[0]), 'still there')
  await close(client)
})

test('fifty WebSockets on an agent of five, none of them keeps a place', async (t) => {
  const { port } = await startEcho(t)
  const agent = newAgent(t, { maxSockets: 5 })
  const clients = await Promise.all(Array.from({ length: 50 }, () => open(port, { agent })))
  await Promise.all(clients.map(async (client, i) => {
    client.send(String(i))
    assert.equal(String((await once(client, 'message'))[0]), String(i))
  }))
  await Promise.all(clients.map((client) => close(client)))
  assert.equal(agent.totalSocketCount, 0)
})

test('terminate(), by either side', async (t) => {
  const { port, sockets } = await startEcho(t)
  const agent = newAgent(t)
  const client = await open(port, { agent })
  const [server] = sockets.clients
  const gone = once(server, 'close')
  client.terminate()
  assert.deepEqual([(await once(client, 'close'))[0], (await gone)[0]], [1006, 1006])
  const other = await open(port, { agent })
  for (const socket of sockets.clients) if (socket !== server) socket.terminate()
  assert.equal((await once(other, 'close'))[0], 1006)
})

test('pause() holds the sender back, resume() brings everything', async (t) => {
  const { port, sockets } = await startEcho(t)
  const client = await open(port, { agent: newAgent(t) })
  const [server] = sockets.clients
  client.pause()
  for (let i = 0; i < 100; i++) server.send(Buffer.alloc(100000, i))
  let n = 0
  const all = new Promise((resolve) => client.on('message', (data) => {
    assert.equal(data[0], n)
    assert.equal(data.length, 100000)
    if (++n === 100) resolve()
  }))
  client.resume()
  await all
  await close(client)
})

test('what the user sees of the underlying socket', async (t) => {
  const { port } = await startEcho(t)
  const client = await open(port, { agent: newAgent(t) })
  const socket = client._socket
  assert.equal(socket.remoteAddress, '127.0.0.1')
  assert.equal(socket.remotePort, port)
  assert.equal(socket.connecting, false)
  assert.equal(socket.destroyed, false)
  assert.equal(socket.timeout, 0)
  assert.ok(socket.bytesRead > 0 && socket.bytesWritten > 0)
  await close(client)
})

test('failures are reported as with the built-in Agent', async (t) => {
  const origin = await startOrigin(t)
  const refused = await closedPort(t)
  const results = await withBoth(origin, {}, async (agent) => {
    const all = []
    const base = `ws://127.0.0.1:${origin.port}`
    for (const [url, options] of [
      [`ws://127.0.0.1:${refused}/`],
      [`${base}/status?code=200`],
      [`${base}/status?code=401`],
      [`${base}/hangup`],
      [`${base}/reset`],
      [`${base}/garbage`],
      [`${base}/never`, { handshakeTimeout: 40 }],
      [`${base}/redirect?to=/status?code=404`, { followRedirects: true }]
    ]) {
      const client = new WebSocket(url, { agent, ...options })
      const closed = new Promise((resolve) => client.on('close', resolve))
      const err = await new Promise((resolve) => client.on('error', resolve))
      all.push([err.code, err.message, await closed])
    }
    for (const log of origin.log) {
      const at = log.headers.indexOf('Sec-WebSocket-Key')
      log.headers.splice(at, 2)
    }
    return all
  })
  assert.match(results[0][1], /ECONNREFUSED/)
  assert.match(results[2][1], /401/)
})

test('terminate() while the server thinks', async (t) => {
  const origin = await startOrigin(t)
  await withBoth(origin, {}, async (agent) => {
    const asked = once(origin, 'never')
    const client = new WebSocket(`ws://127.0.0.1:${origin.port}/never`, { agent })
    const failed = new Promise((resolve) => client.on('error', (err) => resolve(err.message)))
    const [{ socket }] = await asked
    const gone = once(socket, 'close')
    client.terminate()
    await gone
    for (const log of origin.log) delete log.headers
    return failed
  })
})
