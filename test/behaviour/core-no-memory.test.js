// SPDX-License-Identifier: MIT
//
// If the core has no memory for an operation, one request fails with an error that
// says so, and the agent continues to work.
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const os = require('node:os')
const { test } = require('node:test')

const { Agent, hawserOnly } = require('../support/agent')
const { request, freed } = require('../support/request')
const { httpServer } = require('../support/servers')
const native = require('../../lib/binding')
const { results } = require('../../lib/shared-ring')

const NO_MEMORY = -os.constants.errno.ENOMEM

// The next call of a function of the core has no memory.
function failOnce (t, name) {
  const own = native[name]
  t.after(() => { native[name] = own })
  native[name] = () => {
    native[name] = own
    return NO_MEMORY
  }
  return () => native[name] === own
}

// Result: how it ended, 'ok' or the error's code.
async function ask (options, body) {
  try {
    return String((await request(options, body)).body)
  } catch (err) {
    return err.code
  }
}

// Holds the response to '/held'.
async function server (t) {
  const held = []
  const port = await httpServer(t, (req, res) => {
    if (req.url === '/held') held.push(res)
    else req.resume().on('end', () => res.end('ok'))
  })
  const arrived = async () => { while (held.length === 0) await new Promise(setImmediate) }
  const agent = new Agent({ maxSockets: 1 })
  t.after(() => agent.destroy())
  const first = () => http.get({ host: '127.0.0.1', port, agent, path: '/held' }).on('error', () => {})
  return { port, agent, first, arrived }
}

async function goesOn (agent, port) {
  assert.equal(await ask({ port, agent }), 'ok')
  assert.equal(agent.totalSocketCount, 1)
  assert.deepEqual(Object.keys(agent.requests), [])
}

for (const [name, { warm = false, ...options } = {}, body] of [
  ['acquire'],
  ['open'],
  ['dial'],
  ['begin', { method: 'POST' }, Buffer.from('body')],
  ['send', { warm: true }]
]) {
  test(`${name}, for a request`, { skip: hawserOnly }, async (t) => {
    const { port, agent } = await server(t)
    if (warm) await Promise.all([freed(agent), ask({ port, agent })])
    const failed = failOnce(t, name)
    assert.equal(await ask({ port, agent, ...options }, body), 'ENOMEM')
    assert.equal(failed(), true)
    await goesOn(agent, port)
  })
}

for (const name of ['open', 'dial', 'begin']) {
  test(`${name}, for a request that has waited`, { skip: hawserOnly }, async (t) => {
    const { port, agent, first, arrived } = await server(t)
    const req = first()
    await arrived()
    const waiting = [ask({ port, agent }), ask({ port, agent })]
    const failed = failOnce(t, name)
    req.destroy()
    assert.deepEqual(await Promise.all(waiting), ['ENOMEM', 'ok'])
    assert.equal(failed(), true)
    await goesOn(agent, port)
  })
}

test('setIdle: a connection without memory for its deadline is closed', { skip: hawserOnly }, async (t) => {
  const port = await httpServer(t, (req, res) => {
    res.setHeader('Keep-Alive', 'timeout=5')
    res.end('ok')
  })
  const agent = new Agent()
  t.after(() => agent.destroy())
  const failed = failOnce(t, 'setIdle')
  const free = freed(agent)
  const { req } = await request({ port, agent })
  await free
  assert.equal(failed(), true)
  assert.equal(req.socket.destroyed, true)
})

test('next: the waiting request gets the error, and the one after it a connection', { skip: hawserOnly }, async (t) => {
  const { port, agent, first, arrived } = await server(t)
  const req = first()
  await arrived()
  const waiting = [ask({ port, agent }), ask({ port, agent })]
  const own = native.next
  t.after(() => { native.next = own })
  native.next = (pool) => { // as the core does it: the waiter has left, and its entry was not made
    native.next = own
    own(pool)
    native.remove(results[native.register.CONN])
    results[native.register.CONN] = 0
    return NO_MEMORY
  }
  req.destroy()
  assert.deepEqual(await Promise.all(waiting), ['ENOMEM', 'ok'])
  await goesOn(agent, port)
})
