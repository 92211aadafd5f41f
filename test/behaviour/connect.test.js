// SPDX-License-Identifier: MIT
//
// How a connection is made, and what it may turn into.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const fs = require('node:fs')
const http = require('node:http')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')
const { Worker } = require('node:worker_threads')

const { Agent, hawserOnly } = require('../support/agent')
const { request, freed } = require('../support/request')
const { httpServer, start } = require('../support/servers')

const answer = (req, res) => res.end(`${req.socket.remoteAddress} ${req.headers.host}`)

test('localhost, by its look-up', async (t) => {
  const server = http.createServer(answer)
  const port = await start(t, server, { port: 0 })
  const agent = new Agent()
  t.after(() => agent.destroy())
  const { body } = await request({ host: 'localhost', port, agent })
  assert.match(String(body), new RegExp(`localhost:${port}$`))
})

test('IPv6', async (t) => {
  const port = await start(t, http.createServer(answer), { port: 0, host: '::1' })
  const agent = new Agent()
  t.after(() => agent.destroy())
  const { req, body } = await request({ host: '::1', port, agent })
  assert.equal(String(body), `::1 [::1]:${port}`)
  assert.equal(req.socket.remoteFamily, 'IPv6')
})

test('a Unix socket, kept alive', async (t) => {
  const socketPath = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-')), 's')
  await start(t, http.createServer((req, res) => res.end('unix')), { path: socketPath })
  const agent = new Agent()
  t.after(() => agent.destroy())
  for (let i = 0; i < 3; i++) {
    const free = freed(agent)
    const { req, body } = await request({ socketPath, agent })
    assert.equal(String(body), 'unix')
    assert.equal(req.reusedSocket, i > 0)
    await free
  }
  await assert.rejects(request({ socketPath: `${socketPath}-none`, agent }),
    { code: 'ENOENT', syscall: 'connect', address: `${socketPath}-none` })
})

test('localAddress is where the connection comes from', async (t) => {
  const port = await httpServer(t, answer)
  const agent = new Agent()
  t.after(() => agent.destroy())
  const { body } = await request({ port, agent, localAddress: '127.0.0.3' })
  assert.match(String(body), /^127\.0\.0\.3 /)
})

for (const [title, lookup] of [
  ['at once', (host, options, callback) =>
    options.all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4)],
  ['later', (host, options, callback) => setImmediate(() =>
    options.all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4))]
]) {
  for (const family of [undefined, 4]) {
    test(`a custom lookup that answers ${title}, family ${family}`, async (t) => {
      const port = await httpServer(t, answer)
      const agent = new Agent()
      t.after(() => agent.destroy())
      let asked
      const { body } = await request({
        host: 'some.test',
        port,
        agent,
        family,
        lookup (host, options, callback) {
          asked = host
          lookup(host, options, callback)
        }
      })
      assert.equal(asked, 'some.test')
      assert.equal(String(body), `127.0.0.1 some.test:${port}`)
    })
  }
}

// Node counts a connection when it is called back, and so makes too many.
test('createConnection of a subclass: returned or called back', { skip: hawserOnly }, async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  for (const make of [
    (options) => net.createConnection(options),
    (options, callback) => { setImmediate(() => callback(null, net.createConnection(options))) }
  ]) {
    class Mine extends Agent {
      createConnection (options, callback) {
        return make({ ...options, host: '127.0.0.1' }, callback)
      }
    }
    const agent = new Mine({ maxSockets: 1 })
    t.after(() => agent.destroy())
    const all = await Promise.all([1, 2, 3].map(() => request({ host: 'x.test', port, agent })))
    for (const { body } of all) assert.equal(String(body), 'ok')
    assert.equal(agent.totalSocketCount, 1)
    const free = await request({ host: 'x.test', port, agent })
    assert.equal(free.req.socket, all[0].req.socket)
  }
})

// Node's agent loses the place; hawser connects for the waiting request.
test('createConnection that fails fails its request and gives its place back', { skip: hawserOnly }, async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  let fail = true
  class Mine extends Agent {
    createConnection (options, callback) {
      if (!fail) return net.createConnection(options)
      fail = false
      setImmediate(callback, new Error('no'))
    }
  }
  const agent = new Mine({ maxSockets: 1 })
  t.after(() => agent.destroy())
  const first = request({ port, agent })
  const second = request({ port, agent })
  await assert.rejects(first, { message: 'no' })
  assert.equal(String((await second).body), 'ok')
})

test('freeSocketTimeout and the guard of idle connections hold for connections of the user',
  { skip: hawserOnly }, async (t) => {
    const accepted = []
    const server = http.createServer((req, res) => res.end('ok'))
    server.on('connection', (socket) => accepted.push(socket))
    const port = await start(t, server)
    class Mine extends Agent {
      createConnection (options) {
        return net.createConnection(options)
      }
    }
    const quick = new Mine({ freeSocketTimeout: 20 })
    const { req } = await request({ port, agent: quick })
    await once(req.socket, 'close')
    assert.equal(quick.totalSocketCount, 0)
    const agent = new Mine()
    t.after(() => agent.destroy())
    const free = freed(agent)
    const second = await request({ port, agent })
    await free
    accepted[1].write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')
    await once(second.req.socket, 'close')
    const again = freed(agent)
    assert.equal(String((await request({ port, agent })).body), 'ok')
    await again
    const last = await request({ port, agent })
    assert.equal(last.req.reusedSocket, true)
  })

// Listens on `hosts` in a thread that then blocks: with its queues full, the kernel
// does not answer a SYN.
async function silentServers (t, port, hosts) {
  const flag = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(`
    const { workerData: { flag, port, hosts }, parentPort } = require('node:worker_threads')
    const net = require('node:net')
    let left = hosts.length
    for (const host of hosts) {
      net.createServer().listen({ port, host, backlog: 1 }, () => {
        if (--left > 0) return
        parentPort.postMessage('listening')
        Atomics.wait(flag, 0, 0)
        process.exit()
      })
    }`, { eval: true, workerData: { flag, port, hosts } })
  await once(worker, 'message')
  const sockets = hosts.flatMap((host) => Array.from({ length: 8 }, () => net.connect(port, host)))
  for (const socket of sockets) socket.on('error', () => {})
  t.after(async () => {
    for (const socket of sockets) socket.destroy()
    Atomics.store(flag, 0, 1)
    Atomics.notify(flag, 0)
    await worker.terminate()
  })
  await Promise.all(hosts.map((host, i) => once(sockets[8 * i], 'connect')))
}

test('an address that does not respond is abandoned for the next', async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  await silentServers(t, port, ['127.0.0.6', '127.0.0.7'])
  const agent = new Agent()
  t.after(() => agent.destroy())
  const lookup = (host, options, callback) => callback(null,
    ['127.0.0.6', '127.0.0.7', '127.0.0.1'].map((address) => ({ address, family: 4 })))
  const { req } = await request({
    host: 'many.test', port, agent, lookup, autoSelectFamilyAttemptTimeout: 20
  })
  assert.equal(req.socket.remoteAddress, '127.0.0.1')
  assert.deepEqual(req.socket.autoSelectFamilyAttemptedAddresses,
    [`127.0.0.6:${port}`, `127.0.0.7:${port}`, `127.0.0.1:${port}`])
})

test('CONNECT becomes a tunnel', async (t) => {
  const server = http.createServer().on('connect', (req, socket) => {
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\nfirst')
    socket.pipe(socket)
  })
  const port = await start(t, server)
  const agent = new Agent()
  t.after(() => agent.destroy())
  const req = http.request({ host: '127.0.0.1', port, agent, method: 'CONNECT', path: 'x:80' }).end()
  const [res, socket, head] = await once(req, 'connect')
  assert.equal(res.statusCode, 200)
  assert.equal(agent.totalSocketCount, 0)
  const [chunk] = head.length > 0 ? [head] : await once(socket, 'data')
  assert.equal(String(chunk), 'first')
  socket.write('echo')
  assert.equal(String((await once(socket, 'data'))[0]), 'echo')
  socket.end()
  await once(socket, 'close')
})

test('101 gives a working Duplex, also on a connection that was used before', async (t) => {
  const server = http.createServer((req, res) => res.end('plain')).on('upgrade', (req, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhi')
    socket.on('data', (chunk) => socket.write(`echo ${chunk}`))
  })
  const port = await start(t, server)
  const agent = new Agent()
  t.after(() => agent.destroy())
  const free = freed(agent)
  await request({ port, agent })
  await free
  const req = http.request({
    host: '127.0.0.1', port, agent, headers: { Connection: 'Upgrade', Upgrade: 'x' }
  }).end()
  const [res, socket, head] = await once(req, 'upgrade')
  assert.equal(req.reusedSocket, true)
  assert.equal(res.statusCode, 101)
  assert.equal(String(head.length > 0 ? head : (await once(socket, 'data'))[0]), 'hi')
  const big = 'y'.repeat(300000)
  socket.write(big)
  let got = ''
  for await (const chunk of socket) {
    got += chunk
    if (got.replaceAll('echo ', '').length === big.length) break
  }
  assert.equal(socket.destroyed, true)
})

test('101 without a listener closes the connection', async (t) => {
  const server = http.createServer().on('upgrade', (req, socket) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'))
  const port = await start(t, server)
  const agent = new Agent()
  t.after(() => agent.destroy())
  const req = http.get({
    host: '127.0.0.1', port, agent, headers: { Connection: 'Upgrade', Upgrade: 'x' }
  })
  await once(req, 'close')
  assert.equal(req.socket.destroyed, true)
})

test('setNoDelay, setSocketKeepAlive, ref and unref take effect', async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  const agent = new Agent()
  t.after(() => agent.destroy())
  const req = http.request({ host: '127.0.0.1', port, agent })
  req.setNoDelay(true)
  req.setSocketKeepAlive(true, 5000)
  req.end()
  const [res] = await once(req, 'response')
  assert.equal(req.socket.unref(), req.socket)
  assert.equal(req.socket.ref(), req.socket)
  res.resume()
  await once(res, 'end')
})
