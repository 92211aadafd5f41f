// SPDX-License-Identifier: MIT
//
// Destroying a request, its response or its socket: what is emitted, in which
// order, and that it is emitted once.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const { addAbortSignal } = require('node:stream')
const { test } = require('node:test')

const { Agent } = require('../support/agent')
const { record, settled } = require('../support/events')
const { request, freed } = require('../support/request')
const { httpServer } = require('../support/servers')

const HANG_UP = 'error ECONNRESET: socket hang up'
const ABORTED = ['res aborted', 'res error ECONNRESET: aborted']

// '/' is never answered, '/half' half, '/ok' whole.
async function server (t) {
  const seen = { urls: [], aborted: 0 }
  seen.port = await httpServer(t, (req, res) => {
    seen.urls.push(req.url)
    req.on('aborted', () => { seen.aborted++ })
    if (req.url === '/ok') return res.end('ok')
    if (req.url !== '/half') return
    res.writeHead(200, { 'Content-Length': 10 })
    res.write('half')
  })
  return seen
}

function agentFor (t, options) {
  const agent = new Agent(options)
  t.after(() => agent.destroy())
  return agent
}

// Since 24 Node keeps the connection of a request that was destroyed while the
// connection was being made, so the agent is destroyed first.
async function empty (agent) {
  agent.destroy()
  while (agent.totalSocketCount > 0) await new Promise(setImmediate)
}

// Each is emitted once, and 'close' after all other events of the request.
function checkOnce (events) {
  const errors = events.filter((name) => name.startsWith('error'))
  assert.ok(errors.length <= 1, String(errors))
  assert.equal(events.filter((name) => name === 'close').length, 1)
}

for (const [title, options, act, expected] of [
  ['at once', {}, (req) => req.destroy(), [HANG_UP, 'close']],
  ['at once, before end()', { method: 'POST' }, (req) => req.destroy(), [HANG_UP, 'close']],
  ['at once, with an error', {}, (req) => req.destroy(new TypeError('mine')),
    ['error TypeError: mine', 'close']],
  ["on 'socket'", {}, (req) => req.on('socket', () => req.destroy()), ['socket', HANG_UP, 'close']],
  ["on 'socket', with an error", {}, (req) => req.on('socket', () => req.destroy(new Error('mine'))),
    ['socket', 'error Error: mine', 'close']],
  ["on 'response'", { path: '/half' }, (req) => req.on('response', () => req.destroy()),
    ['socket', 'finish', 'response', ...ABORTED, 'res close', 'close']],
  ["on 'response', with an error", { path: '/half' },
    (req) => req.on('response', () => req.destroy(new Error('mine'))),
    ['socket', 'finish', 'response', 'error Error: mine', ...ABORTED, 'res close', 'close']],
  ['in the data', { path: '/half' },
    (req) => req.on('response', (res) => res.on('data', () => req.destroy())),
    ['socket', 'finish', 'response', 'data half', ...ABORTED, 'res close', 'close']]
]) {
  test(`req.destroy() ${title}`, async (t) => {
    const { port } = await server(t)
    const agent = agentFor(t)
    const req = http.request({ host: '127.0.0.1', port, agent, ...options })
    const events = record(req)
    act(req)
    if (!req.destroyed) req.end()
    await settled(req)
    // It is not specified which of the two closes first.
    const order = (list) => list.filter((name) => !name.endsWith('close'))
    // An unconnected request may have finished writing or not.
    const seen = events.filter((name) => expected.includes(name) || name !== 'finish')
    assert.deepEqual(order(seen), order(expected))
    assert.deepEqual(seen.sort(), [...expected].sort())
    checkOnce(events)
    assert.equal(req.destroyed, true)
    await empty(agent)
    assert.deepEqual(Object.keys(agent.sockets), [])
  })
}

test('a second destroy() changes nothing, and each returns the request', async (t) => {
  const { port } = await server(t)
  const req = http.get({ host: '127.0.0.1', port, agent: agentFor(t) })
  const events = record(req)
  assert.equal(req.destroy(new Error('first')), req)
  assert.equal(req.destroy(new Error('second')), req)
  await settled(req)
  assert.equal(req.destroy(new Error('third')), req)
  await settled(req)
  assert.deepEqual(events, ['error Error: first', 'close'])
})

test('destroy() after the end does nothing: the connection stays in the pool', async (t) => {
  const { port } = await server(t)
  const agent = agentFor(t)
  const free = freed(agent)
  const { req } = await request({ port, agent, path: '/ok' })
  const events = record(req)
  await free
  req.destroy()
  await new Promise(setImmediate)
  assert.equal(req.socket.destroyed, false)
  assert.equal(events.filter((name) => name.startsWith('error')).length, 0)
  assert.equal((await request({ port, agent, path: '/ok' })).req.reusedSocket, true)
})

test('res.destroy() after the end leaves the connection alone too', async (t) => {
  const { port } = await server(t)
  const agent = agentFor(t)
  const free = freed(agent)
  const { res, req } = await request({ port, agent, path: '/ok' })
  await free
  res.destroy()
  await new Promise(setImmediate)
  assert.equal(req.socket.destroyed, false)
  assert.equal((await request({ port, agent, path: '/ok' })).req.socket, req.socket)
})

test("abort() at once brings 'close' and 'abort' and no error", async (t) => {
  const { port } = await server(t)
  const req = http.get({ host: '127.0.0.1', port, agent: agentFor(t) })
  const events = record(req)
  assert.equal(req.aborted, false)
  req.abort()
  req.abort()
  assert.equal(req.aborted, true)
  assert.equal(req.destroyed, true)
  await settled(req)
  assert.deepEqual(events, ['close', 'abort'])
})

test("abort() while the request waits for its response brings 'abort', then the error", async (t) => {
  const seen = await server(t)
  const req = http.get({ host: '127.0.0.1', port: seen.port, agent: agentFor(t) })
  const events = record(req)
  while (seen.urls.length === 0) await new Promise(setImmediate)
  req.abort()
  await settled(req)
  assert.deepEqual(events, ['socket', 'finish', 'abort', HANG_UP, 'close'])
})

test('abort() in the response', async (t) => {
  const { port } = await server(t)
  const req = http.get({ host: '127.0.0.1', port, agent: agentFor(t), path: '/half' })
  const events = record(req)
  req.on('response', () => req.abort())
  await settled(req)
  assert.equal(events.filter((name) => name === 'abort').length, 1)
  assert.ok(events.includes('res aborted'))
  assert.equal(events.includes('res end'), false)
  checkOnce(events)
})

test('the server notices that a request is destroyed', async (t) => {
  const seen = await server(t)
  const req = http.get({ host: '127.0.0.1', port: seen.port, agent: agentFor(t) })
  req.on('error', () => {}) // it is destroyed
  while (seen.urls.length === 0) await new Promise(setImmediate)
  req.destroy()
  while (seen.aborted === 0) await new Promise(setImmediate)
})

test('res.destroy(err) brings the error on the response and closes both', async (t) => {
  const { port } = await server(t)
  const agent = agentFor(t)
  const req = http.get({ host: '127.0.0.1', port, agent, path: '/half' })
  const events = record(req)
  req.on('response', (res) => res.destroy(new Error('mine')))
  await settled(req)
  assert.ok(events.includes('res error Error: mine'))
  assert.ok(events.includes('res aborted'))
  assert.equal(events.includes('res end'), false)
  checkOnce(events)
  await empty(agent)
})

test('socket.destroy() during a request is a socket hang up; with an error, that error', async (t) => {
  const seen = await server(t)
  const agent = agentFor(t)
  for (const [error, expected] of [
    [undefined, HANG_UP], [new Error('mine'), 'error Error: mine']
  ]) {
    const req = http.get({ host: '127.0.0.1', port: seen.port, agent })
    const events = record(req)
    const before = seen.urls.length
    while (seen.urls.length === before) await new Promise(setImmediate)
    req.socket.destroy(error)
    await settled(req)
    assert.deepEqual(events, ['socket', 'finish', expected, 'close'])
  }
})

const ABORT_ERROR = 'error ABORT_ERR: The operation was aborted'

for (const [title, options, act, expected] of [
  ['aborted before the request is made', { signal: AbortSignal.abort() }, () => {},
    [ABORT_ERROR, 'close']],
  ['aborted at once', {}, (req, controller) => controller.abort(), [ABORT_ERROR, 'close']],
  ["aborted on 'socket'", {}, (req, controller) => req.on('socket', () => controller.abort()),
    ['socket', ABORT_ERROR, 'close']],
  ['aborted while it waits for the response', {}, (req, controller) => {
    req.on('finish', () => setImmediate(() => controller.abort()))
  }, ['socket', 'finish', ABORT_ERROR, 'close']],
  ['aborted in the response', { path: '/half' },
    (req, controller) => req.on('response', () => controller.abort()),
    ['socket', 'finish', 'response', ABORT_ERROR, 'res aborted',
      'res error ECONNRESET: aborted', 'res close', 'close']]
]) {
  test(`an AbortSignal ${title}`, async (t) => {
    const { port } = await server(t)
    const agent = agentFor(t)
    const controller = new AbortController()
    const req = http.get({
      host: '127.0.0.1', port, agent, signal: controller.signal, ...options
    })
    const events = record(req)
    let error
    req.on('error', (err) => { error = err })
    act(req, controller)
    await settled(req)
    const seen = events.filter((name) => expected.includes(name) || name !== 'finish')
    assert.deepEqual([...seen].sort(), [...expected].sort())
    assert.equal(error.name, 'AbortError')
    assert.equal(error.code, 'ABORT_ERR')
    checkOnce(events)
    await empty(agent)
  })
}

test('the reason of an AbortSignal is the cause of the error', async (t) => {
  const { port } = await server(t)
  const controller = new AbortController()
  const req = http.get({ host: '127.0.0.1', port, agent: agentFor(t), signal: controller.signal })
  const reason = new Error('because')
  controller.abort(reason)
  const [err] = await once(req, 'error')
  assert.equal(err.cause, reason)
})

test('AbortSignal.timeout() ends a request that gets no answer', async (t) => {
  const { port } = await server(t)
  const agent = agentFor(t)
  const req = http.get({ host: '127.0.0.1', port, agent, signal: AbortSignal.timeout(30) })
  const [err] = await once(req, 'error')
  assert.equal(err.name, 'AbortError')
  assert.equal(err.cause.name, 'TimeoutError')
  await empty(agent)
})

test('aborting the signal of an ended request affects neither it nor the next', async (t) => {
  const { port } = await server(t)
  const agent = agentFor(t)
  const controller = new AbortController()
  const free = freed(agent)
  const first = await request({ port, agent, path: '/ok', signal: controller.signal })
  const events = record(first.req)
  await free
  const req = http.get({ host: '127.0.0.1', port, agent, path: '/ok' })
  controller.abort()
  const [res] = await once(req, 'response')
  assert.equal(req.reusedSocket, true)
  res.resume()
  await once(res, 'end')
  assert.equal(events.filter((name) => name.startsWith('error')).length, 0)
})

test('addAbortSignal() on the response destroys it', async (t) => {
  const { port } = await server(t)
  const agent = agentFor(t)
  const controller = new AbortController()
  const req = http.get({ host: '127.0.0.1', port, agent, path: '/half' })
  const response = once(req, 'response')
  req.on('error', (err) => assert.equal(err.name, 'AbortError')) // Node emits it on both
  const [res] = await response
  addAbortSignal(controller.signal, res)
  const error = once(res, 'error')
  res.resume()
  controller.abort()
  assert.equal((await error)[0].name, 'AbortError')
  await empty(agent)
})

test('destroying a request while it uploads closes the connection', async (t) => {
  const seen = await server(t)
  const agent = agentFor(t)
  const req = http.request({ host: '127.0.0.1', port: seen.port, agent, method: 'POST' })
  const events = record(req)
  req.write(Buffer.alloc(100000))
  while (seen.urls.length === 0) await new Promise(setImmediate)
  req.destroy()
  let given
  req.write('more', (err) => { given = err })
  await settled(req)
  assert.ok(events.includes(HANG_UP))
  assert.equal(events.includes('finish'), false)
  assert.equal(given?.code, 'ERR_STREAM_DESTROYED')
  checkOnce(events)
  await empty(agent)
})

test('destroying one of many on the same agent does not affect the others', async (t) => {
  const { port } = await server(t)
  const agent = agentFor(t, { maxSockets: 4 })
  const kept = []
  for (let i = 0; i < 40; i++) {
    const req = http.get({ host: '127.0.0.1', port, agent, path: i % 2 ? '/ok' : '/' })
    if (i % 2 === 0) {
      req.on('error', () => {}) // given up
      if (i % 4 === 0) req.destroy()
      else req.on('socket', () => setImmediate(() => req.destroy()))
    } else {
      kept.push(once(req, 'response').then(([res]) => once(res.resume(), 'end')))
    }
  }
  await Promise.all(kept)
})
