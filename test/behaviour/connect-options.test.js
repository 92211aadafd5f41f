// SPDX-License-Identifier: MIT
//
// Options for how and where to connect, a custom createConnection, and connections
// that turn into something else: tunnels and upgrades.
'use strict'

const assert = require('node:assert/strict')
const dns = require('node:dns')
const { once } = require('node:events')
const fs = require('node:fs')
const http = require('node:http')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')

const { Agent } = require('../support/agent')
const { finds, HERE } = require('../support/lookup')
const { request, freed } = require('../support/request')
const { httpServer, start } = require('../support/servers')

function agentFor (t, options) {
  const agent = new Agent(options)
  t.after(() => agent.destroy())
  return agent
}

const answer = (req, res) => res.end([
  req.socket.remoteAddress, req.socket.localAddress, req.headers.host
].join(' '))

async function pooled (options) {
  const free = freed(options.agent)
  const result = await request(options)
  await free
  return result
}

const loopback = (options, callback) => finds(HERE)('', options, callback)

test('lookup is asked with the host and these options, once for each new connection', async (t) => {
  const port = await httpServer(t, answer)
  const agent = agentFor(t)
  const calls = []
  const lookup = (host, options, callback) => {
    calls.push([host, options])
    loopback(options, callback)
  }
  for (let i = 0; i < 3; i++) await pooled({ host: 'a.test', port, agent, lookup })
  assert.equal(calls.length, 1)
  const [[host, options]] = calls
  assert.equal(host, 'a.test')
  assert.equal(options.all, true) // autoSelectFamily is on from Node 20
  assert.equal(options.hints, dns.ADDRCONFIG)
  assert.ok(options.family === undefined || options.family === 0)
})

test('family: 4 and family: 6 are passed on, and then one address is asked for', async (t) => {
  const port = await httpServer(t, answer)
  const agent = agentFor(t)
  let asked
  const lookup = (host, options, callback) => {
    asked = options
    loopback(options, callback)
  }
  await request({ host: 'a.test', port, agent, lookup, family: 4 })
  assert.equal(asked.family, 4)
  assert.equal(Boolean(asked.all), false)
  const six = await start(t, http.createServer(answer), { port: 0, host: '::1' })
  await request({
    host: 'a.test',
    port: six,
    agent,
    family: 6,
    lookup: (host, options, callback) => {
      assert.equal(options.family, 6)
      callback(null, '::1', 6)
    }
  })
})

test('lookup is not asked for an address', async (t) => {
  const port = await httpServer(t, answer)
  const { body } = await request({
    host: '127.0.0.1', port, agent: agentFor(t), lookup: () => assert.fail('lookup')
  })
  assert.match(String(body), /^127\.0\.0\.1 /)
})

test("the socket emits 'lookup' and 'connect' and 'ready'", async (t) => {
  const port = await httpServer(t, answer)
  const agent = agentFor(t)
  const events = []
  const req = http.get({
    host: 'a.test',
    port,
    agent,
    family: 4,
    lookup: (host, options, callback) => setImmediate(() => loopback(options, callback))
  }, (res) => res.resume())
  req.on('socket', (socket) => {
    assert.equal(socket.connecting, true)
    assert.equal(socket.readyState, 'opening')
    socket.on('lookup', (err, address, family, host) =>
      events.push(['lookup', err, address, family, host]))
    socket.on('connect', () => events.push(['connect', socket.connecting]))
    socket.on('ready', () => events.push(['ready', socket.readyState]))
  })
  await once(req, 'close')
  assert.deepEqual(events,
    [['lookup', null, '127.0.0.1', 4, 'a.test'], ['connect', false], ['ready', 'open']])
})

test('the first address that answers is used when others refuse', async (t) => {
  const port = await httpServer(t, answer)
  const lookup = (host, options, callback) => callback(null, [
    { address: '127.0.0.8', family: 4 }, { address: '::1', family: 6 },
    { address: '127.0.0.1', family: 4 }
  ])
  const { req } = await request({ host: 'many.test', port, agent: agentFor(t), lookup })
  assert.equal(req.socket.remoteAddress, '127.0.0.1')
  assert.deepEqual(req.socket.autoSelectFamilyAttemptedAddresses,
    [`127.0.0.8:${port}`, `::1:${port}`, `127.0.0.1:${port}`])
})

test('autoSelectFamily: false asks for one address and tries no other', async (t) => {
  const port = await httpServer(t, answer)
  const { req } = await request({
    host: 'a.test',
    port,
    agent: agentFor(t),
    autoSelectFamily: false,
    lookup: (host, options, callback) => {
      assert.equal(Boolean(options.all), false)
      callback(null, '127.0.0.1', 4)
    }
  })
  assert.equal(req.socket.remoteAddress, '127.0.0.1')
})

test('localAddress and localPort are where the connection comes from', async (t) => {
  const port = await httpServer(t, answer)
  const probe = net.createServer()
  const localPort = await start(t, probe)
  probe.close()
  await once(probe, 'close')
  const agent = agentFor(t)
  const free = freed(agent)
  const { req, body } = await request({ port, agent, localAddress: '127.0.0.5', localPort })
  await free
  assert.match(String(body), /^127\.0\.0\.5 /)
  assert.equal(req.socket.localAddress, '127.0.0.5')
  assert.equal(req.socket.localPort, localPort)
  assert.deepEqual(Object.keys(agent.freeSockets), [`127.0.0.1:${port}:127.0.0.5`])
})

test('IPv6 by address, with its addresses on the socket', async (t) => {
  const port = await start(t, http.createServer(answer), { port: 0, host: '::1' })
  const agent = agentFor(t)
  const { req, body } = await pooled({ host: '::1', port, agent })
  assert.equal(String(body), `::1 ::1 [::1]:${port}`)
  assert.equal(req.socket.remoteAddress, '::1')
  assert.equal(req.socket.remoteFamily, 'IPv6')
  assert.equal(req.socket.localAddress, '::1')
  assert.deepEqual(req.socket.address(),
    { address: '::1', family: 'IPv6', port: req.socket.localPort })
  assert.equal((await request({ host: '::1', port, agent })).req.socket, req.socket)
})

test('IPv6 in an URL', async (t) => {
  const port = await start(t, http.createServer(answer), { port: 0, host: '::1' })
  const req = http.get(`http://[::1]:${port}/x`, { agent: agentFor(t) })
  const [res] = await once(req, 'response')
  res.resume()
  await once(res, 'end')
  assert.equal(req.socket.remoteAddress, '::1')
})

test('localhost, whichever address the server listens on', async (t) => {
  for (const host of ['127.0.0.1', '::1']) {
    const port = await start(t, http.createServer(answer), { port: 0, host })
    const { res } = await request({
      host: 'localhost',
      port,
      agent: agentFor(t),
      lookup: (name, options, callback) => callback(null,
        [{ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 }])
    })
    assert.equal(res.statusCode, 200)
  }
})

test('a Unix socket: used again, no addresses, its path in the pool', async (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-'))
  t.after(() => fs.rmSync(dir, { recursive: true }))
  const socketPath = path.join(dir, 'socket')
  let connections = 0
  const server = http.createServer((req, res) => res.end(req.headers.host))
  server.on('connection', () => connections++)
  await start(t, server, { path: socketPath })
  const agent = agentFor(t)
  const { req, body } = await pooled({ host: undefined, socketPath, agent })
  assert.equal(String(body), 'localhost')
  assert.equal(req.socket.remoteAddress, undefined)
  assert.equal(req.socket.remotePort, undefined)
  assert.equal(req.socket.localPort, undefined)
  assert.ok(req.socket instanceof net.Socket)
  assert.deepEqual(Object.keys(agent.freeSockets), [`localhost:80::${socketPath}`])
  const second = await pooled({ host: undefined, socketPath, agent, path: '/other' })
  assert.equal(second.req.socket, req.socket)
  assert.equal(connections, 1)
})

test('a body of 1 MB over a Unix socket, both ways', async (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-'))
  t.after(() => fs.rmSync(dir, { recursive: true }))
  const socketPath = path.join(dir, 'socket')
  await start(t, http.createServer((req, res) => req.pipe(res)), { path: socketPath })
  const data = Buffer.alloc(1024 * 1024, 'hawser')
  const { body } = await request({ socketPath, agent: agentFor(t), method: 'POST' }, data)
  assert.ok(body.equals(data))
})

test('auth becomes an Authorization header', async (t) => {
  const port = await httpServer(t, (req, res) => res.end(req.headers.authorization))
  const { body } = await request({ port, agent: agentFor(t), auth: 'user:pa:ss' })
  assert.equal(String(body), `Basic ${Buffer.from('user:pa:ss').toString('base64')}`)
})

test('setNoDelay() and setSocketKeepAlive() before and after there is a socket', async (t) => {
  const port = await httpServer(t, answer)
  const agent = agentFor(t)
  for (let i = 0; i < 2; i++) {
    const free = freed(agent)
    const req = http.get({ host: '127.0.0.1', port, agent }, (res) => res.resume())
    req.setNoDelay(true)
    req.setSocketKeepAlive(true, 2000)
    req.on('socket', (socket) => {
      assert.equal(socket.setNoDelay(false), socket)
      assert.equal(socket.setKeepAlive(false), socket)
    })
    await free
  }
})

test('createConnection of a subclass, returning a socket', async (t) => {
  const port = await httpServer(t, answer)
  const calls = []
  class Mine extends Agent {
    createConnection (options, callback) {
      calls.push([options.host, options.port, typeof callback])
      return net.createConnection({ port, host: '127.0.0.1' })
    }
  }
  const agent = new Mine()
  t.after(() => agent.destroy())
  const first = await pooled({ host: 'elsewhere.test', port: 81, agent })
  const second = await pooled({ host: 'elsewhere.test', port: 81, agent })
  assert.match(String(first.body), / elsewhere\.test:81$/)
  assert.equal(second.req.socket, first.req.socket)
  assert.equal(second.req.reusedSocket, true)
  assert.deepEqual(calls, [['elsewhere.test', 81, 'function']])
  assert.deepEqual(Object.keys(agent.freeSockets), ['elsewhere.test:81:'])
})

test('createConnection of a subclass, calling back with a socket', async (t) => {
  const port = await httpServer(t, answer)
  class Mine extends Agent {
    createConnection (options, callback) {
      const socket = net.createConnection({ port, host: '127.0.0.1' })
      socket.once('connect', () => callback(null, socket))
    }
  }
  const agent = new Mine()
  t.after(() => agent.destroy())
  const first = await pooled({ host: 'elsewhere.test', port: 81, agent })
  const second = await pooled({ host: 'elsewhere.test', port: 81, agent })
  assert.equal(second.req.socket, first.req.socket)
})

test('createConnection of a subclass, calling super with other options', async (t) => {
  const port = await httpServer(t, answer)
  class Mine extends Agent {
    createConnection (options, callback) {
      return super.createConnection({ ...options, host: '127.0.0.1', port }, callback)
    }
  }
  const agent = new Mine()
  t.after(() => agent.destroy())
  const { body } = await pooled({ host: 'elsewhere.test', port: 81, agent })
  assert.match(String(body), / elsewhere\.test:81$/)
})

test('createConnection set on the agent itself, as monkey patches do', async (t) => {
  const port = await httpServer(t, answer)
  const agent = agentFor(t)
  let calls = 0
  agent.createConnection = function () {
    calls++
    return net.createConnection({ port, host: '127.0.0.1' })
  }
  await pooled({ host: 'elsewhere.test', port: 81, agent })
  assert.equal(calls, 1)
})

// With an agent, Node ignores it.
test('createConnection among the options of the request is not called', async (t) => {
  const port = await httpServer(t, answer)
  const { res } = await request({
    port, agent: agentFor(t), createConnection: () => assert.fail('createConnection')
  })
  assert.equal(res.statusCode, 200)
})

test('an error from createConnection, called back or thrown, reaches the user', async (t) => {
  class Back extends Agent {
    createConnection (options, callback) {
      setImmediate(callback, Object.assign(new Error('no'), { code: 'MINE' }))
    }
  }
  await assert.rejects(request({ port: 1, agent: new Back() }), { code: 'MINE', message: 'no' })
  class Throws extends Agent {
    createConnection () {
      throw new RangeError('no')
    }
  }
  assert.throws(() => http.get({ host: '127.0.0.1', port: 1, agent: new Throws() }), RangeError)
})

// Echoes each piece in capitals; what is in `first` goes out with the head.
async function shouting (t, event, head, first) {
  const server = http.createServer(answer)
  server.on(event, (req, socket, early) => {
    socket.on('error', () => {}) // the client may go away
    socket.write(head + first + String(early).toUpperCase())
    socket.on('data', (chunk) => socket.write(String(chunk).toUpperCase()))
    socket.on('end', () => socket.end('bye'))
  })
  return start(t, server)
}

async function conversation (socket, head) {
  let text = String(head)
  socket.on('data', (chunk) => { text += chunk })
  const ended = once(socket, 'end')
  socket.write('one ')
  socket.write('two ')
  socket.end('three ')
  await ended
  return text
}

test('CONNECT makes a tunnel that works both ways, with early bytes as head', async (t) => {
  const port = await shouting(t, 'connect', 'HTTP/1.1 200 Connection Established\r\n\r\n', 'hello ')
  const agent = agentFor(t)
  const req = http.request({ host: '127.0.0.1', port, agent, method: 'CONNECT', path: 'a.test:1' })
  req.on('response', () => assert.fail('response'))
  req.end()
  const [res, socket, head] = await once(req, 'connect')
  assert.equal(res.statusCode, 200)
  assert.ok(Buffer.isBuffer(head))
  assert.equal(agent.totalSocketCount, 0)
  assert.deepEqual(Object.keys(agent.sockets), [])
  assert.equal(await conversation(socket, head), 'hello ONE TWO THREE bye')
})

test('CONNECT that is refused is still a connect, with the status', async (t) => {
  const port = await shouting(t, 'connect', 'HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n', '')
  const req = http.request({
    host: '127.0.0.1', port, agent: agentFor(t), method: 'CONNECT', path: 'a.test:1'
  }).end()
  const [res, socket] = await once(req, 'connect')
  assert.equal(res.statusCode, 407)
  socket.destroy()
})

test('CONNECT without a listener closes the connection', async (t) => {
  const port = await shouting(t, 'connect', 'HTTP/1.1 200 OK\r\n\r\n', '')
  const agent = agentFor(t)
  const req = http.request({ host: '127.0.0.1', port, agent, method: 'CONNECT', path: 'a:1' }).end()
  req.on('error', () => {}) // depends on Node's version
  await new Promise((resolve) => req.once('close', resolve))
  while (agent.totalSocketCount > 0) await new Promise(setImmediate)
})

const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n'
const UPGRADE = { Connection: 'Upgrade', Upgrade: 'shout' }

test('an upgrade gives a working Duplex, with early bytes as head', async (t) => {
  const port = await shouting(t, 'upgrade', SWITCH, 'hello ')
  const agent = agentFor(t)
  const req = http.get({ host: '127.0.0.1', port, agent, headers: UPGRADE })
  const events = []
  for (const name of ['socket', 'response', 'upgrade', 'close']) req.on(name, () => events.push(name))
  const [res, socket, head] = await once(req, 'upgrade')
  assert.equal(res.statusCode, 101)
  assert.equal(res.headers.upgrade, 'shout')
  assert.equal(socket, req.socket)
  assert.ok(socket instanceof net.Socket)
  assert.equal(agent.totalSocketCount, 0)
  assert.equal(await conversation(socket, head), 'hello ONE TWO THREE bye')
  assert.deepEqual(events, ['socket', 'upgrade', 'close'])
})

test('an upgrade on a used connection', async (t) => {
  const port = await shouting(t, 'upgrade', SWITCH, '')
  const agent = agentFor(t)
  const { req: before } = await pooled({ port, agent })
  const req = http.get({ host: '127.0.0.1', port, agent, headers: UPGRADE })
  const [, socket, head] = await once(req, 'upgrade')
  assert.equal(socket, before.socket)
  assert.equal(req.reusedSocket, true)
  assert.equal(await conversation(socket, head), 'ONE TWO THREE bye')
})

test('an upgrade that the server declines is a plain response', async (t) => {
  const port = await httpServer(t, (req, res) => res.end('plain'))
  const agent = agentFor(t)
  const req = http.get({ host: '127.0.0.1', port, agent, headers: UPGRADE })
  req.on('upgrade', () => assert.fail('upgrade'))
  const [res] = await once(req, 'response')
  assert.equal(res.statusCode, 200)
  res.resume()
  await once(res, 'end')
})

test('an upgraded connection carries 3 MB each way at once', async (t) => {
  const server = http.createServer().on('upgrade', (req, socket) => {
    socket.write(SWITCH)
    socket.pipe(socket)
  })
  const port = await start(t, server)
  const req = http.get({ host: '127.0.0.1', port, agent: agentFor(t), headers: UPGRADE })
  const [, socket, head] = await once(req, 'upgrade')
  const data = Buffer.alloc(3 * 1024 * 1024, 'hawser')
  const chunks = [head]
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.end(data)
  await once(socket, 'end')
  assert.ok(Buffer.concat(chunks).equals(data))
})

test('the place of an upgraded connection goes to the next request in the queue', async (t) => {
  const port = await shouting(t, 'upgrade', SWITCH, '')
  const agent = agentFor(t, { maxSockets: 1 })
  const req = http.get({ host: '127.0.0.1', port, agent, headers: UPGRADE })
  const waiting = request({ port, agent })
  const [, socket] = await once(req, 'upgrade')
  assert.equal((await waiting).res.statusCode, 200)
  assert.equal(socket.destroyed, false)
  socket.destroy()
})

// Node >= 24.
const skipTos = net.Socket.prototype.setTypeOfService === undefined && 'this Node has no setTypeOfService()'

test("setTypeOfService() reaches the kernel, before and after 'connect'", { skip: skipTos }, async (t) => {
  const port = await httpServer(t, (req, res) => res.end())
  const agent = new Agent()
  t.after(() => agent.destroy())
  const req = http.get({ host: '127.0.0.1', port, agent })
  const [socket] = await once(req, 'socket')
  socket.setTypeOfService(0x08)
  await once(socket, 'connect')
  assert.equal(socket.getTypeOfService(), 0x08)
  socket.setTypeOfService(0x10)
  assert.equal(socket.getTypeOfService(), 0x10)
  await once(req, 'close')
})
