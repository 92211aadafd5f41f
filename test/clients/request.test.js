// SPDX-License-Identifier: MIT
//
// request, which is deprecated but widely used: with agent, with agentClass and
// agentOptions and its own pool, with forever, and with time, which listens to
// 'lookup' and 'connect' on the socket.
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const { Readable } = require('node:stream')
const { test } = require('node:test')

const request = require('request')

const { Agent } = require('../support/agent')
const { withBoth, outcome } = require('../support/both-agents')
const { testClient } = require('../support/client-cases')
const { startOrigin } = require('../support/origin')

// { promise of the response, req }
function start (agent, url, options) {
  let req
  const promise = new Promise((resolve, reject) => {
    req = request({ url, agent, ...options }, (err, res) => err ? reject(err) : resolve(res))
  })
  return { promise, req }
}

const send = (agent, url, options) => start(agent, url, options).promise

async function get (agent, url, options) {
  const { statusCode, body } = await send(agent, url, options)
  return { status: statusCode, body }
}

testClient({
  get,
  bytes: async (agent, url) => (await send(agent, url, { encoding: null })).body,
  json: async (agent, url, json) => (await send(agent, url, { method: 'POST', json })).body,
  async upload (agent, url, body) {
    if (Buffer.isBuffer(body)) {
      return JSON.parse((await send(agent, url, { method: 'POST', body })).body)
    }
    const { promise, req } = start(agent, url, { method: 'POST' })
    body.pipe(req)
    return JSON.parse((await promise).body)
  },
  timeout: (agent, url) => get(agent, url, { timeout: 40 }),
  cancels: {
    'request.abort()' (agent, url) {
      const { promise, req } = start(agent, url)
      const aborted = new Promise((resolve, reject) => {
        req.on('abort', () => reject(new Error('aborted'))) // the callback is not called
      })
      return { promise: Promise.race([promise, aborted]), cancel: () => req.abort() }
    }
  },
  follows: true,
  gzip: async (agent, url) => (await send(agent, url, { gzip: true, json: true })).body
})

test('time: a new connection is looked up and connected, a reused one is not', async (t) => {
  const origin = await startOrigin(t)
  const url = `http://localhost:${origin.port}/json`
  const seen = await withBoth(origin, {}, async (agent) => {
    const results = []
    for (let i = 0; i < 3; i++) {
      const { timings, timingPhases, elapsedTime } = await send(agent, url, { time: true })
      const order = ['socket', 'lookup', 'connect', 'response', 'end']
      for (let k = 1; k < order.length; k++) {
        assert.ok(timings[order[k - 1]] <= timings[order[k]], `${order[k - 1]}, ${order[k]}`)
      }
      assert.equal(typeof elapsedTime, 'number')
      results.push({
        lookedUp: timings.lookup > timings.socket,
        connected: timings.connect > timings.lookup,
        dns: timingPhases.dns > 0,
        tcp: timingPhases.tcp > 0
      })
    }
    return results
  })
  const reused = { lookedUp: false, connected: false, dns: false, tcp: false }
  const made = { lookedUp: true, connected: true, dns: true, tcp: true }
  assert.deepEqual(seen, [made, reused, reused])
})

function * pairs (rawHeaders) {
  for (let i = 0; i < rawHeaders.length; i += 2) yield [rawHeaders[i], rawHeaders[i + 1]]
}

// The agent that a pool of request's holds.
const pooled = (pool) => Object.values(pool).find((entry) => entry instanceof http.Agent)

test('agentClass and agentOptions: request makes the agent and keeps it in its pool', async (t) => {
  const origin = await startOrigin(t)
  for (const agentClass of [Agent, http.Agent]) {
    origin.forget()
    const pool = {}
    const agentOptions = { keepAlive: true, maxSockets: 2 }
    const options = { agentClass, agentOptions, pool, json: true }
    const answers = await Promise.all(Array.from({ length: 20 },
      (_, i) => send(undefined, `${origin.url}/json?${i}`, options)))
    assert.deepEqual(answers.map(({ body }) => body.url),
      Array.from({ length: 20 }, (_, i) => `/json?${i}`))
    assert.equal(origin.served.size, 2)
    const agent = pooled(pool)
    assert.ok(agent instanceof agentClass)
    assert.equal(agent.maxSockets, 2)
    assert.equal(agent.options.keepAlive, true)
    assert.ok(Object.keys(pool).length === 1, 'one agent for twenty requests')
    agent.destroy()
    await origin.quiet()
  }
})

test('pool.maxSockets limits the agent', async (t) => {
  const origin = await startOrigin(t)
  const pool = { maxSockets: 3 }
  const options = { agentClass: Agent, agentOptions: { keepAlive: true }, pool }
  await Promise.all(Array.from({ length: 30 }, () => send(undefined, `${origin.url}/json`, options)))
  t.after(() => pooled(pool).destroy())
  assert.equal(pooled(pool).maxSockets, 3)
  assert.equal(origin.mostOpen, 3)
  assert.deepEqual([...origin.served.values()].reduce((a, b) => a + b), 30)
})

test('forever with agentClass, and forever with the Agent in http.Agent\'s place', async (t) => {
  const origin = await startOrigin(t)
  const own = http.Agent
  t.after(() => { http.Agent = own })
  for (const how of ['agentClass', 'http.Agent']) {
    origin.forget()
    const pool = {}
    if (how === 'http.Agent') http.Agent = Agent
    const options = how === 'agentClass' ? { agentClass: Agent } : {}
    for (let i = 0; i < 5; i++) {
      await send(undefined, `${origin.url}/json`, { forever: true, pool, agentOptions: { keepAlive: true }, ...options })
    }
    const agent = Object.values(pool)[0]
    assert.ok(agent instanceof Agent)
    assert.equal(origin.served.size, 1)
    agent.destroy()
    await origin.quiet()
  }
})

test('pool: false takes no agent: one connection for each request', async (t) => {
  const origin = await startOrigin(t)
  await withBoth(origin, {}, async () => {
    for (let i = 0; i < 3; i++) await send(undefined, `${origin.url}/json`, { pool: false })
    assert.equal(origin.served.size, 3)
  })
})

test('request piped into request, over one agent', async (t) => {
  const origin = await startOrigin(t)
  const answer = await withBoth(origin, {}, (agent) => new Promise((resolve, reject) => {
    const to = request.post({ url: `${origin.url}/hash`, agent }, (err, res, body) => {
      for (const asked of origin.log) delete asked.connection // either may be first
      origin.log.sort((a, b) => a.url.localeCompare(b.url))
      err ? reject(err) : resolve(JSON.parse(body))
    })
    request({ url: `${origin.url}/large`, agent }).on('error', reject).pipe(to)
  }))
  assert.equal(answer.bytes, 80 * 65536)
})

test('form-data with a stream', async (t) => {
  const origin = await startOrigin(t)
  const agent = new Agent()
  t.after(() => agent.destroy())
  const formData = {
    field: 'value',
    file: { value: Readable.from([Buffer.alloc(1e6, 'x')]), options: { filename: 'f', knownLength: 1e6 } }
  }
  const { body } = await send(agent, `${origin.url}/hash`, { method: 'POST', formData })
  const sent = Object.fromEntries(pairs(origin.log[0].headers))
  assert.equal(JSON.parse(body).bytes, Number(sent['content-length']))
})

test('a body that is slower than its reader allows: pause() and resume()', async (t) => {
  const origin = await startOrigin(t)
  await withBoth(origin, {}, (agent) => new Promise((resolve, reject) => {
    const req = request({ url: `${origin.url}/large`, agent })
    let bytes = 0
    req.on('error', reject)
    req.on('data', (chunk) => {
      bytes += chunk.length
      req.pause()
      setImmediate(() => req.resume())
    })
    req.on('end', () => resolve(bytes))
  }))
})

test('the time limit of a reused connection', async (t) => {
  const origin = await startOrigin(t)
  const results = await withBoth(origin, { maxSockets: 1 }, async (agent) => [
    await get(agent, `${origin.url}/json`, { timeout: 10_000 }),
    await outcome(get(agent, `${origin.url}/never`, { timeout: 40 })),
    await get(agent, `${origin.url}/json`, { timeout: 10_000 })
  ])
  assert.equal(results[1].error.code, 'ESOCKETTIMEDOUT')
})
