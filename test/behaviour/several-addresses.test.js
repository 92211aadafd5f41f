// SPDX-License-Identifier: MIT
//
// Names with several addresses: the core tries them in place of net.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const fs = require('node:fs')
const http = require('node:http')
const net = require('node:net')
const { test } = require('node:test')

const { Agent, hawserOnly } = require('../support/agent')
const { runScript } = require('../support/child')
const { finds, HERE } = require('../support/lookup')
const { request, freed } = require('../support/request')
const { httpServer, rawServer } = require('../support/servers')

const ALSO_HERE = { address: '127.0.0.2', family: 4 }
const NOBODY = { address: '127.0.0.9', family: 4 }

function agentFor (t, options) {
  const agent = new Agent(options)
  t.after(() => agent.destroy())
  return agent
}

// The kernel's timer of a silent connection: 02 is keep-alive.
function timerOf ({ localPort, remotePort }) {
  const hex = (port) => `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  for (const line of fs.readFileSync('/proc/net/tcp', 'latin1').split('\n')) {
    const [, local, remote, , , timer] = line.trim().split(/\s+/)
    if (local?.endsWith(hex(localPort)) && remote.endsWith(hex(remotePort))) {
      return timer.slice(0, 2)
    }
  }
  return 'no such connection'
}

for (const list of [[HERE], [HERE, ALSO_HERE]]) {
  test(`TCP keep-alive is on, of ${list.length} addresses`, { timeout: 10000 }, async (t) => {
    const port = await httpServer(t, (req, res) => res.end())
    const agent = agentFor(t, { keepAlive: true, lookup: finds(...list) })
    const free = freed(agent)
    await request({ host: 'some.test', port, agent })
    await free
    const [socket] = agent.freeSockets[`some.test:${port}:`]
    // The request may not have been acknowledged yet, which has its own timer.
    while (timerOf(socket) === '01') await new Promise(setImmediate)
    assert.equal(timerOf(socket), '02')
  })
}

test('a process waits for its request when the first address fails at once', async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  const { status, out, err } = await runScript(`
    const list = [{ address: '255.255.255.255', family: 4 }, { address: '127.0.0.1', family: 4 }]
    const lookup = (host, options, callback) => options.all ? callback(null, list) : callback(null, '127.0.0.1', 4)
    http.get({ host: 'some.test', port: ${port}, agent: new Agent(), lookup }, (res) => {
      console.log(res.statusCode)
      process.exit()
    })`)
  assert.deepEqual({ status, out, err }, { status: 0, out: '200', err: '' })
})

test('the time of an attempt starts when it is made, however long the turn has been', async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  const agent = agentFor(t)
  await new Promise(setImmediate)
  const start = Date.now()
  while (Date.now() - start < 400); // longer than an attempt may take
  const { body } = await request({ host: 'some.test', port, agent, lookup: finds(HERE, ALSO_HERE) })
  assert.equal(String(body), 'ok')
})

test('of 300 addresses the first that accepts is used', async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  const list = Array.from({ length: 300 }, (_, i) => (
    { address: `127.0.${1 + (i >> 8)}.${i & 255}`, family: 4 }))
  list[0] = HERE
  const { body } = await request({ host: 'some.test', port, agent: agentFor(t), lookup: finds(...list) })
  assert.equal(String(body), 'ok')
})

test('a localPort applies to the second family too', async (t) => {
  const port = await httpServer(t, (req, res) => res.end(String(req.socket.remotePort)))
  const closed = net.createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const localPort = closed.address().port
  closed.close()
  await once(closed, 'close')
  const lookup = finds({ address: '::1', family: 6 }, HERE)
  const { body } = await request({ host: 'some.test', port, agent: agentFor(t), lookup, localPort })
  assert.equal(Number(body), localPort)
})

test('addresses of a BlockList are not connected to', async (t) => {
  const [major] = process.versions.node.split('.').map(Number)
  if (major < 24) return t.skip('net has blockList since 24')
  const port = await httpServer(t, (req, res) => res.end('ok'))
  const blockList = new net.BlockList()
  blockList.addSubnet('127.0.0.0', 8)
  const agent = agentFor(t)
  for (const list of [[HERE], [HERE, ALSO_HERE]]) {
    await assert.rejects(request({ host: 'some.test', port, agent, blockList, lookup: finds(...list) }),
      { code: 'ERR_IP_BLOCKED' })
  }
})

// Node uses the family that the look-up returns, and tries each address once per family.
for (const list of [
  [{ address: '::1', family: 4 }, HERE],
  [{ address: '192.0.2.1.', family: 4 }, HERE],
  [{ address: '::2', family: 4 }, { address: '::3', family: 4 }, HERE],
  [{ address: '127.0.0.1', family: 6 }, HERE],
  [{ address: '127.0.0.1', family: 'IPv4' }, HERE],
  [HERE, HERE]
]) {
  test(`a look-up that finds ${list.map((each) => `${each.address} of ${each.family}`)}`, async (t) => {
    // Nothing listens at the other addresses.
    const port = await httpServer(t, (req, res) => res.end('ok'))
    const agent = agentFor(t)
    const { body } = await request({ host: 'some.test', port, agent, lookup: finds(...list) })
    assert.equal(String(body), 'ok')
  })
}

// A request that is destroyed before it has its socket: the socket is idle while it
// connects, with a handle of Node's for each address. Before 24 it is not kept.
test('unrequested bytes on a connection that was idle before it was made close it', { skip: hawserOnly }, async (t) => {
  let asked = 0
  const port = await rawServer(t, () => { asked++ }, (socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
  const agent = agentFor(t, { keepAlive: true, lookup: finds(NOBODY, HERE) })
  agent.createConnection = (options) => net.createConnection(options)
  const free = once(agent, 'free')
  const req = http.get({ host: 'some.test', port, agent })
  req.on('error', () => {}).destroy()
  const [socket] = await free
  await once(socket, 'close')
  assert.equal(asked, 0)
  await new Promise(setImmediate)
  assert.equal(agent.totalSocketCount, 0)
})
