// SPDX-License-Identifier: MIT
//
// A cluster whose workers serve each other: each has an Agent and sends requests to
// the port that they all share.
//
// Usage: run.js <calm | killed | exits>
//   calm    all end by themselves
//   killed  one is killed (SIGKILL) with requests in flight
//   exits   one calls process.exit() in a callback
'use strict'

const assert = require('node:assert/strict')
const cluster = require('node:cluster')
const { once } = require('node:events')
const http = require('node:http')

const { Agent } = require('../../support/agent')

const WORKERS = 4
const REQUESTS = 2000
const AT_ONCE = 20

const how = process.argv[2]

// The workers accept connections themselves. By default the primary accepts, and a
// connection that is being passed to an exiting worker stays there forever.
cluster.schedulingPolicy = cluster.SCHED_NONE

// -- a worker -----------------------------------------------------------------

function ask (agent, port, path) {
  return new Promise((resolve) => {
    let outcome = 'failed'
    const req = http.get({ host: '127.0.0.1', port, agent, path }, (res) => {
      let body = ''
      res.setEncoding('latin1').on('data', (chunk) => { body += chunk })
      res.on('end', () => { outcome = body === path ? 'ok' : 'wrong' })
      res.on('error', () => {})
      if (how === 'exits' && cluster.worker.id === 1 && path === `/1/${REQUESTS / 2}`) process.exit(7)
    })
    req.on('error', () => {}) // 'close' follows
    req.on('close', () => resolve(outcome))
  })
}

async function work () {
  const server = http.createServer((req, res) => res.end(req.url)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  process.send('listening')
  await once(process, 'message')
  const agent = new Agent({ maxSockets: AT_ONCE / 2 })
  const counts = { ok: 0, failed: 0, wrong: 0 }
  let next = 0
  const lane = async () => {
    while (next < REQUESTS) {
      const n = next++
      counts[await ask(agent, port, `/${cluster.worker.id}/${n}`)]++
      if (n === REQUESTS / 2) process.send('half')
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  process.send(counts)
  await once(process, 'message') // the others may still send requests
  agent.destroy()
  server.close()
  server.closeAllConnections()
  process.disconnect()
}

// -- the primary --------------------------------------------------------------

async function lead () {
  const workers = Array.from({ length: WORKERS }, () => cluster.fork())
  const exits = workers.map((worker) => once(worker, 'exit'))
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  const results = workers.map((worker) => new Promise((resolve) => {
    worker.on('exit', () => resolve(null))
    worker.on('message', (message) => {
      if (message !== 'half') resolve(message)
      else if (how === 'killed' && worker.id === 1) worker.process.kill('SIGKILL')
    })
  }))
  for (const worker of workers) worker.send('go')
  const counts = await Promise.all(results)
  for (const worker of workers) if (worker.isConnected()) worker.send('end')
  const ends = await Promise.all(exits)

  for (let i = 0; i < WORKERS; i++) {
    const [code, signal] = ends[i]
    if (i === 0 && how !== 'calm') {
      assert.deepEqual([code, signal], how === 'killed' ? [null, 'SIGKILL'] : [7, null])
      continue
    }
    assert.deepEqual([code, signal], [0, null])
    assert.equal(counts[i].wrong, 0)
    assert.equal(counts[i].ok + counts[i].failed, REQUESTS)
    // Only the connections to the ended worker fail.
    const lost = how === 'calm' ? 0 : AT_ONCE
    assert.ok(counts[i].failed <= lost, JSON.stringify(counts))
  }
  console.log('ok')
}

if (cluster.isPrimary) lead()
else work()
