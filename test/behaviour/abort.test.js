// SPDX-License-Identifier: MIT
//
// A request that is aborted at each stage: it ends once, with the right events in
// Node's order. Each case also runs with the built-in Agent, and the traces must be
// equal.
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const { test } = require('node:test')

const { Agent } = require('../support/agent')
const { request } = require('../support/request')
const { httpServer } = require('../support/servers')

// Runs act(req, events) on a request and returns what was emitted, in order.
async function trace (options, act) {
  const events = []
  const req = http.request({ host: '127.0.0.1', ...options })
  for (const name of ['socket', 'finish', 'abort', 'timeout']) req.on(name, () => events.push(name))
  req.on('error', (err) => events.push(`error ${err.code} ${err.name} ${err.message}`))
  req.on('response', (res) => {
    events.push('response')
    for (const name of ['end', 'aborted', 'close']) res.on(name, () => events.push(`res ${name}`))
    res.on('error', (err) => events.push(`res error ${err.code} ${err.message}`))
  })
  // Not once(): that would fail on 'error'.
  const closed = new Promise((resolve) => req.once('close', () => resolve(events.push('close'))))
  act(req)
  await closed
  await new Promise((resolve) => setImmediate(setImmediate, resolve))
  return events
}

const CASES = {
  'destroy() at once': (req) => { req.end().destroy() },
  'destroy(err) at once': (req) => { req.end().destroy(new Error('mine')) },
  'abort() at once': (req) => {
    req.end()
    req.abort()
  },
  "destroy() on 'socket'": (req) => { req.on('socket', () => req.destroy()).end() },
  "destroy(err) on 'socket'": (req) => { req.on('socket', () => req.destroy(new Error('mine'))).end() },
  'destroy() when connected': (req) => {
    req.on('socket', (socket) => {
      if (socket.connecting) socket.on('connect', () => req.destroy())
      else req.destroy()
    }).end()
  },
  "destroy() on 'response'": (req) => { req.on('response', () => req.destroy()).end() },
  "abort() on 'response'": (req) => { req.on('response', () => req.abort()).end() },
  'res.destroy()': (req) => { req.on('response', (res) => res.destroy()).end() },
  'res.destroy(err)': (req) => { req.on('response', (res) => res.destroy(new Error('mine'))).end() },
  "destroy() on 'data'": (req) => {
    req.on('response', (res) => res.on('data', () => req.destroy())).end()
  },
  "destroy() on 'end'": (req) => {
    req.on('response', (res) => res.resume().on('end', () => req.destroy())).end()
  },
  'socket.destroy()': (req) => { req.on('response', () => req.socket.destroy()).end() },
  'socket.destroy(err)': (req) => {
    req.on('response', () => req.socket.destroy(new Error('mine'))).end()
  },
  'destroy() with a body half written': (req) => {
    req.method = 'POST'
    req.useChunkedEncodingByDefault = true
    req.write('half')
    req.on('socket', (socket) => socket.on('connect', () => req.destroy()))
  }
}

for (const [title, act] of Object.entries(CASES)) {
  test(`${title}: the same events as with the built-in Agent`, async (t) => {
    const port = await httpServer(t, (req, res) => {
      if (req.url === '/ok') return res.end('ok')
      res.writeHead(200, { 'Content-Length': 10 })
      res.write('half')
      setImmediate(() => res.end('-done-'))
    })
    const agent = new Agent()
    t.after(() => agent.destroy())
    const builtin = new http.Agent({ keepAlive: true })
    t.after(() => builtin.destroy())
    const seen = await trace({ port, agent }, act)
    assert.deepEqual(seen, await trace({ port, agent: builtin }, act))
    assert.equal(seen.filter((name) => name === 'close').length, 1)
    assert.equal(String((await request({ port, agent, path: '/ok' })).body), 'ok')
  })
}

for (const [title, when] of [
  ['before it starts', (controller) => controller.abort()],
  ["on 'socket'", (controller, req) => req.on('socket', () => controller.abort())],
  ["on 'response'", (controller, req) => req.on('response', () => controller.abort())],
  ['after the end', (controller, req) => req.on('close', () => controller.abort())]
]) {
  test(`an AbortSignal ${title}`, async (t) => {
    const port = await httpServer(t, (req, res) => res.end('ok'))
    const run = async (agent) => {
      const controller = new AbortController()
      t.after(() => agent.destroy())
      return trace({ port, agent, signal: controller.signal }, (req) => {
        when(controller, req)
        req.on('response', (res) => res.resume())
        req.end()
      })
    }
    assert.deepEqual(await run(new Agent()), await run(new http.Agent({ keepAlive: true })))
  })
}

test('aborting a thousand requests leaks nothing', async (t) => {
  const port = await httpServer(t, (req, res) => setImmediate(() => res.end('ok')))
  const agent = new Agent({ maxSockets: 10 })
  t.after(() => agent.destroy())
  let ended = 0
  await Promise.all(Array.from({ length: 1000 }, (_, i) => new Promise((resolve) => {
    const req = http.get({ host: '127.0.0.1', port, agent }, (res) => res.resume())
    req.on('error', () => {}).on('close', () => {
      ended++
      resolve()
    })
    if (i % 3 === 0) req.destroy()
    else if (i % 3 === 1) req.on('socket', () => setImmediate(() => req.destroy()))
  })))
  assert.equal(ended, 1000)
  agent.destroy()
  while (agent.totalSocketCount > 0) await new Promise(setImmediate)
  assert.deepEqual(Object.keys(agent.requests), [])
})
