// SPDX-License-Identifier: MIT
//
// Async context, and the life of the process.
'use strict'

const assert = require('node:assert/strict')
const { AsyncLocalStorage } = require('node:async_hooks')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const http = require('node:http')
const { test } = require('node:test')
const { Worker } = require('node:worker_threads')

const { Agent, hawserOnly } = require('../support/agent')
const { httpServer } = require('../support/servers')

const AGENT = JSON.stringify(require.resolve('../support/agent'))

test('each callback runs in the context of its request: new, reused and queued', async (t) => {
  const storage = new AsyncLocalStorage()
  const port = await httpServer(t, (req, res) => {
    res.write('a')
    setImmediate(() => res.end('b'))
  })
  const agent = new Agent({ maxSockets: 2 })
  t.after(() => agent.destroy())
  const lookup = (host, options, callback) => {
    assert.ok(storage.getStore().id >= 0)
    callback(null, [{ address: '127.0.0.1', family: 4 }])
  }
  const one = (id) => new Promise((resolve, reject) => {
    const check = () => assert.equal(storage.getStore()?.id, id)
    const req = http.get({ host: 'x.test', port, agent, lookup }, (res) => {
      check()
      res.on('data', check).on('end', check).on('close', check)
    })
    req.on('socket', check).on('finish', check).on('error', reject)
    req.on('close', () => {
      check()
      resolve()
    })
  })
  await Promise.all(Array.from({ length: 20 }, (_, id) => storage.run({ id }, one, id)))
})

function runScript (script, flags = []) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...flags, '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    child.stdout.on('data', (chunk) => { out += chunk })
    child.stderr.on('data', (chunk) => { out += chunk })
    child.on('close', (status, signal) => resolve({ status, signal, out: out.trim() }))
  })
}

const SERVER = 'const http = require("node:http"); const { Worker } = require("node:worker_threads");' +
  `const { Agent } = require(${AGENT});`

test('idle connections let the process exit, active ones keep it', async () => {
  const { status, out } = await runScript(`${SERVER}
    const server = http.createServer((req, res) => setTimeout(() => res.end('ok'), 50))
    server.listen(0, '127.0.0.1', () => {
      const agent = new Agent({ freeSocketTimeout: 60000 })
      http.get({ port: server.address().port, host: '127.0.0.1', agent }, (res) => {
        res.resume().on('end', () => console.log('ended'))
      })
      server.unref()
    })
    server.on('connection', (socket) => socket.unref())`)
  assert.equal(out, 'ended')
  assert.equal(status, 0)
})

test('process.exit() in a callback is quiet', async () => {
  const { status, out } = await runScript(`${SERVER}
    const server = http.createServer((req, res) => res.end('ok')).listen(0, '127.0.0.1', () => {
      const agent = new Agent()
      for (let i = 0; i < 10; i++) {
        http.get({ port: server.address().port, host: '127.0.0.1', agent }, () => process.exit(7))
      }
    })`)
  assert.equal(out, '')
  assert.equal(status, 7)
})

test('an agent in a worker thread, which is terminated in the middle', async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  for (let i = 0; i < 10; i++) {
    const worker = new Worker(`
      const http = require('node:http')
      const { parentPort } = require('node:worker_threads')
      const { Agent } = require(${AGENT})
      const agent = new Agent({ maxSockets: 5 })
      const go = () => http.get({ host: '127.0.0.1', port: ${port}, agent }, (res) => {
        parentPort.postMessage(res.statusCode)
        res.resume().on('end', go)
      })
      for (let i = 0; i < 10; i++) go()`, { eval: true })
    const [status] = await once(worker, 'message')
    assert.equal(status, 200)
    await worker.terminate()
  }
})

test('an agent that is dropped without destroy() is collected with its pool',
  { skip: hawserOnly }, async () => {
    const { status, out } = await runScript(`${SERVER}
      const server = http.createServer((req, res) => res.end('ok')).listen(0, '127.0.0.1', async () => {
        const registry = new FinalizationRegistry(() => { console.log('collected'); process.exit() })
        const one = () => new Promise((resolve) => {
          const agent = new Agent({ keepAlive: false })
          registry.register(agent)
          http.get({ port: server.address().port, host: '127.0.0.1', agent }, (res) => res.resume())
            .on('close', resolve)
        })
        await one()
        for (let i = 0; i < 1000; i++) { gc(); await new Promise(setImmediate) }
        process.exit(1)
      })`, ['--expose-gc'])
    assert.equal(out, 'collected')
    assert.equal(status, 0)
  })
