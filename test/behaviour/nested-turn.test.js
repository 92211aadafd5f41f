// SPDX-License-Identifier: MIT
//
// The loop is run inside a callback, as deasync does it: what is read there belongs
// to its own request, and nothing is delivered twice.
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const { once } = require('node:events')
const { test } = require('node:test')
const { Worker } = require('node:worker_threads')

const { Agent, hawserOnly } = require('../support/agent')
const { rawServer } = require('../support/servers')
const turn = require('../build/Release/turn_test.node')

const whens = {
  'in the listener': (act) => act(),
  'in a tick after it': (act) => process.nextTick(act),
  'in a microtask after it': (act) => queueMicrotask(act)
}

for (const [when, soon] of Object.entries(whens)) {
  test(`the loop is run ${when}`, async (t) => {
    const sockets = []
    const port = await rawServer(t, (socket) => {
      sockets.push(socket)
      if (sockets.length < 2) return
      for (const each of sockets) each.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234')
      setTimeout(() => { for (const each of sockets) each.write('56789') }, 50)
    })
    const agent = new Agent()
    t.after(() => agent.destroy())
    const get = (turns) => new Promise((resolve, reject) => {
      http.get({ host: '127.0.0.1', port, agent }, (res) => {
        const told = []
        res.on('data', (chunk) => {
          told.push(String(chunk))
          if (turns && told.length === 1) soon(() => { for (let i = 0; i < 3; i++) turn() })
        })
        res.on('end', () => resolve(told.join('')))
      }).on('error', reject)
    })
    assert.deepEqual(await Promise.all([get(true), get(false)]), ['0123456789', '0123456789'])
  })
}

// A server in its own thread: /warm is large. When all requests for /full
// are there and flag[0] is 1 it answers them at once, each with so many small
// pieces that a read fills much of the ring; flag[0] is 2 when the kernel has it all.
const CONNECTIONS = 8
const PIECES = 30
const SERVER = `
  const { workerData: flag, parentPort } = require('node:worker_threads')
  const waiting = []
  require('node:http').createServer((req, res) => {
    if (req.url === '/warm') return res.end(Buffer.alloc(8 * 1024 * 1024))
    waiting.push(res)
    if (waiting.length < ${CONNECTIONS}) return
    parentPort.postMessage('all are there')
    Atomics.wait(flag, 0, 0)
    const piece = 'fa0\\r\\n' + 'x'.repeat(4000) + '\\r\\n'
    const text = 'HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n' +
      piece.repeat(${PIECES}) + '0\\r\\n\\r\\n'
    let left = ${CONNECTIONS}
    for (const { socket } of waiting) {
      socket.write(text, () => {
        if (--left > 0) return
        Atomics.store(flag, 0, 2)
        Atomics.notify(flag, 0)
      })
    }
  }).listen(0, '127.0.0.1', function () { parentPort.postMessage(this.address().port) })
`

// The built-in Agent fails this: a parser of Node's cannot be entered twice.
test('the loop is run while the ring is full', { skip: hawserOnly }, async (t) => {
  const flag = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(SERVER, { eval: true, workerData: flag })
  t.after(() => worker.terminate())
  const [port] = await once(worker, 'message')
  const agent = new Agent({ maxSockets: CONNECTIONS })
  t.after(() => agent.destroy())
  let depth = 0
  const get = (path) => new Promise((resolve, reject) => {
    http.get({ host: '127.0.0.1', port, path, agent }, (res) => {
      let bytes = 0
      res.on('data', (chunk) => { bytes += chunk.length }).on('end', () => resolve(bytes))
      if (path === '/warm' || depth === 3) return
      depth++
      turn()
      depth--
    }).on('error', reject)
  })
  const all = (path) => Promise.all(Array.from({ length: CONNECTIONS }, () => get(path)))
  await all('/warm') // the kernel's buffers grow, and the reads
  worker.once('message', () => {
    Atomics.store(flag, 0, 1)
    Atomics.notify(flag, 0)
    Atomics.wait(flag, 0, 1)
  })
  assert.deepEqual(await all('/full'), new Array(CONNECTIONS).fill(PIECES * 4000))
})
