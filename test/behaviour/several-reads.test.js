// SPDX-License-Identifier: MIT
//
// One turn of the loop may read a connection several times before the user gets the
// first piece. What the user does then must apply to the other pieces.
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const { test } = require('node:test')
const { once } = require('node:events')
const { Worker } = require('node:worker_threads')

const { Agent } = require('../support/agent')

const START = 1000
const SIZE = 300000
const WARM = 32 * 1024 * 1024

// A server in its own thread. The rest of a /body is written when flag[0]
// is 1, and the kernel has it when that is 2.
const SERVER = `
  const { workerData: flag, parentPort } = require('node:worker_threads')
  const body = Buffer.alloc(${SIZE}, 'y')
  require('node:http').createServer((req, res) => {
    if (req.url === '/warm') return res.end(Buffer.alloc(${WARM}))
    res.setHeader('content-length', body.length)
    res.write(body.subarray(0, ${START}), () => {
      Atomics.wait(flag, 0, 0)
      res.end(body.subarray(${START}), () => {
        Atomics.store(flag, 0, 2)
        Atomics.notify(flag, 0)
      })
    })
  }).listen(0, '127.0.0.1', function () { parentPort.postMessage(this.address().port) })
`

async function server (t) {
  const flag = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(SERVER, { eval: true, workerData: flag })
  t.after(() => worker.terminate())
  const [port] = await once(worker, 'message')
  return { port, flag }
}

// Blocks until all of the body is in the kernel.
function untilAllIsThere (flag) {
  Atomics.store(flag, 0, 1)
  Atomics.notify(flag, 0)
  Atomics.wait(flag, 0, 1)
}

// The response of `path`, on the one connection of agent.
function get (agent, port, path) {
  const req = http.get({ host: '127.0.0.1', port, path, agent })
  return new Promise((resolve, reject) => {
    req.on('response', (res) => resolve({ req, res })).on('error', reject)
  })
}

// The events of a response that is given up at its second piece.
async function giveUp (t, act) {
  const { port, flag } = await server(t)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const warm = await get(agent, port, '/warm') // the kernel's buffer grows with it
  warm.res.resume()
  await once(warm.res, 'end')
  const { req, res } = await get(agent, port, '/body')
  const told = []
  let pieces = 0
  res.on('data', () => {
    pieces++
    if (pieces === 1) return untilAllIsThere(flag)
    told.push('data')
    if (pieces === 2) act(req, res)
  })
  for (const event of ['end', 'aborted', 'error']) res.on(event, () => told.push(event))
  req.on('error', () => {})
  await once(req, 'close')
  await new Promise(setImmediate)
  return { told, res }
}

for (const [name, act] of [
  ['req.destroy()', (req) => req.destroy()],
  ['res.destroy()', (req, res) => res.destroy()],
  ['socket.destroy()', (req) => req.socket.destroy()]
]) {
  test(`after ${name} nothing that was read later is delivered`, async (t) => {
    const { told, res } = await giveUp(t, act)
    assert.equal(told.filter((event) => event === 'data').length, 1)
    assert.ok(!told.includes('end'))
    assert.equal(res.complete, false)
  })
}
