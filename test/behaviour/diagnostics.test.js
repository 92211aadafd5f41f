// SPDX-License-Identifier: MIT
//
// What observers see: performance entries, async_hooks, NODE_DEBUG and
// util.inspect.
'use strict'

const assert = require('node:assert/strict')
const { createHook, executionAsyncResource } = require('node:async_hooks')
const http = require('node:http')
const { PerformanceObserver } = require('node:perf_hooks')
const { test } = require('node:test')
const { inspect } = require('node:util')

const { Agent, hawserOnly } = require('../support/agent')
const { runScript } = require('../support/child')
const { request, freed } = require('../support/request')
const { httpServer } = require('../support/servers')

function agentFor (t, options) {
  const agent = new Agent(options)
  t.after(() => agent.destroy())
  return agent
}

async function pooled (options, body) {
  const free = freed(options.agent)
  const result = await request(options, body)
  await free
  return result
}

test("a PerformanceObserver of type 'http' gets an entry with request and response", async (t) => {
  const port = await httpServer(t, (req, res) => res.writeHead(201, { x: 'y' }).end('ok'))
  const agent = agentFor(t)
  await pooled({ port, agent, path: '/unseen' }) // no observer
  const seen = new Promise((resolve) => {
    const entries = []
    const observer = new PerformanceObserver((list) => {
      entries.push(...list.getEntries().filter(({ name }) => name === 'HttpClient'))
      if (entries.length === 2) {
        observer.disconnect()
        resolve(entries)
      }
    })
    observer.observe({ type: 'http' })
  })
  await pooled({ port, agent, path: '/1', headers: { a: 'b' } })
  await pooled({ port, agent, path: '/2', method: 'POST' }, 'body')
  const [first, second] = await seen
  assert.equal(first.entryType, 'http')
  assert.ok(first.startTime > 0 && first.duration > 0)
  assert.equal(first.detail.req.method, 'GET')
  assert.match(first.detail.req.url, /^http:\/\/127\.0\.0\.1.*\/1$/)
  assert.equal(first.detail.req.headers.a, 'b')
  assert.equal(first.detail.res.statusCode, 201)
  assert.equal(first.detail.res.statusMessage, 'Created')
  assert.equal(first.detail.res.headers.x, 'y')
  assert.equal(second.detail.req.method, 'POST')
  await pooled({ port, agent, path: '/unseen' })
})

test('async_hooks: each exchange is a resource that is destroyed once', async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  const agent = agentFor(t)
  const made = []
  const destroyed = []
  const hook = createHook({
    init (id, type) { if (type === 'HTTPCLIENTREQUEST') made.push(id) },
    destroy (id) { destroyed.push(id) }
  }).enable()
  t.after(() => hook.disable())
  for (let i = 0; i < 3; i++) await pooled({ port, agent })
  await new Promise((resolve) => setImmediate(resolve)) // they are reported in a batch
  assert.equal(made.length, 3)
  for (const id of made) assert.equal(destroyed.filter((one) => one === id).length, 1)
})

test('async_hooks: a reused connection is a separate resource', async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  const agent = agentFor(t)
  const made = new Map()
  const destroyed = []
  const hook = createHook({
    init (id, type, trigger, resource) { if (type === 'TCPWRAP') made.set(id, resource) },
    destroy (id) { destroyed.push(id) }
  }).enable()
  t.after(() => hook.disable())
  const idOf = ({ req }) => req.socket._handle.getAsyncId()
  const first = await request({ port, agent })
  const firstId = idOf(first)
  await new Promise((resolve) => setImmediate(resolve))
  const second = await request({ port, agent })
  const secondId = idOf(second)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(second.req.reusedSocket, true)
  assert.notEqual(firstId, secondId)
  assert.notEqual(made.get(firstId), made.get(secondId))
  assert.equal(made.get(secondId).handle, made.get(firstId))
  assert.ok(destroyed.includes(firstId))
  assert.ok(!destroyed.includes(secondId))
})

test("in 'response' the executing resource knows the request", async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  const req = http.get({ port, agent: agentFor(t) })
  const found = await new Promise((resolve) => {
    req.on('response', (res) => {
      res.resume()
      resolve(executionAsyncResource().req)
    })
  })
  assert.equal(found, req)
})

test('NODE_DEBUG=hawser shows what the pool decides', { skip: hawserOnly }, async () => {
  const script = `
    const agent = new Agent()
    const server = http.createServer((req, res) => res.end('ok')).listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      const get = (then) => http.get({ host: '127.0.0.1', port, agent }, (res) => {
        res.resume().on('end', () => setImmediate(then))
      })
      get(() => get(() => { agent.destroy(); server.close() }))
    })`
  const silent = await runScript(script)
  assert.equal(silent.err, '')
  const { err } = await runScript(script, [], { NODE_DEBUG: 'hawser' })
  const lines = err.split('\n').map((line) => line.replace(/^HAWSER \d+: /, '').replace(/\d+/g, 'N'))
  assert.deepEqual(lines, [
    'GET N.N.N.N:N:: CONNECT N',
    'connection N is free: IDLE',
    'GET N.N.N.N:N:: REUSE N',
    'connection N is free: IDLE',
    'connection N is closed'
  ])
})

test('util.inspect shows limits and what is there for each origin', { skip: hawserOnly }, async (t) => {
  const held = []
  const port = await httpServer(t, (req, res) => held.push(res))
  const agent = agentFor(t, { maxSockets: 1 })
  const all = [request({ port, agent }), request({ port, agent })]
  const text = inspect(agent)
  assert.match(text, /^Agent \{/)
  assert.match(text, /maxSockets: 1,/)
  assert.ok(text.includes(`'127.0.0.1:${port}:': { active: 1, idle: 0, waiting: 1 }`), text)
  class Mine extends Agent {}
  assert.match(inspect({ deep: { agent: new Mine() } }), /agent: Mine \{|\[Mine\]/)
  while (held.length === 0) await new Promise((resolve) => setImmediate(resolve))
  held[0].end()
  while (held.length === 1) await new Promise((resolve) => setImmediate(resolve))
  held[1].end()
  await Promise.all(all)
})
