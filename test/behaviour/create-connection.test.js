// SPDX-License-Identifier: MIT
//
// A custom createConnection, by every way it may answer, with one place and requests
// that wait for it: each request ends once, and the place is free again.
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const net = require('node:net')
const { test } = require('node:test')

const { Agent, hawserOnly } = require('../support/agent')
const { settled } = require('../support/events')
const { httpServer } = require('../support/servers')

const dial = (options) => net.connect({ host: '127.0.0.1', port: options.port })
const failure = () => Object.assign(new Error('none'), { code: 'EMINE' })

// [what the first call does, how its request ends, whether Node's agent does the same]
const answers = {
  'returns a socket': [(options) => dial(options), 'ok', true],
  'calls back at once': [(options, done) => { done(null, dial(options)) }, 'ok', true],
  'calls back later': [(options, done) => { setImmediate(() => done(null, dial(options))) }, 'ok', true],
  'calls back when it is connected': [(options, done) => {
    const socket = dial(options)
    socket.once('connect', () => done(null, socket))
  }, 'ok', true],
  'returns a socket and calls back with it': [(options, done) => {
    const socket = dial(options)
    setImmediate(() => done(null, socket))
    return socket
  }, 'ok', true],
  'calls back twice with it': [(options, done) => {
    const socket = dial(options)
    done(null, socket)
    setImmediate(() => done(null, socket))
  }, 'ok', true],
  'calls back with a socket, then with an error': [(options, done) => {
    done(null, dial(options))
    setImmediate(() => done(failure()))
  }, 'ok', true],
  'calls back with an error at once': [(options, done) => { done(failure()) }, 'EMINE', false],
  'calls back with an error later': [(options, done) => { setImmediate(() => done(failure())) }, 'EMINE', false],
  'calls back with an error twice': [(options, done) => {
    done(failure())
    setImmediate(() => done(failure()))
  }, 'EMINE', false],
  'calls back with an error, then with a socket': [(options, done) => {
    done(failure())
    setImmediate(() => {
      const socket = dial(options)
      socket.on('error', () => {})
      socket.once('connect', () => socket.destroy()) // it is still the user's
      done(null, socket)
    })
  }, 'EMINE', false],
  'gives a socket that is destroyed at once': [(options) => dial(options).destroy(), 'ECONNRESET', true]
}

// How the request ended: 'ok', or the code of its one error.
async function ending (req) {
  const ends = []
  req.on('error', (err) => ends.push(err.code))
  req.on('response', (res) => res.resume().on('end', () => ends.push('ok')))
  await settled(req)
  assert.equal(ends.length, 1, `ended once: ${ends}`)
  return ends[0]
}

for (const [how, [answer, expected, inNode]] of Object.entries(answers)) {
  test(`createConnection ${how}, and others wait`, { skip: inNode ? false : hawserOnly }, async (t) => {
    const port = await httpServer(t, (req, res) => res.end('ok'))
    const agent = new Agent({ maxSockets: 1 })
    t.after(() => agent.destroy())
    let calls = 0
    agent.createConnection = (...args) => calls++ === 0 ? answer(...args) : dial(...args)
    const get = () => http.get({ host: '127.0.0.1', port, agent })
    const [first, ...others] = await Promise.all([get(), get(), get()].map(ending))
    assert.equal(first, expected)
    assert.deepEqual(others, ['ok', 'ok'])
    assert.equal(await ending(get()), 'ok')
    agent.destroy()
    while (agent.totalSocketCount > 0) await new Promise(setImmediate)
  })
}

test('createConnection calls back when its request has been destroyed', async (t) => {
  const port = await httpServer(t, (req, res) => res.end('ok'))
  const agent = new Agent({ maxSockets: 1 })
  t.after(() => agent.destroy())
  let give
  agent.createConnection = (options, done) => { give ??= () => done(null, dial(options)) }
  const given = http.get({ host: '127.0.0.1', port, agent })
  const end = ending(given)
  given.destroy()
  give()
  assert.equal(await end, 'ECONNRESET')
  agent.createConnection = dial
  assert.equal(await ending(http.get({ host: '127.0.0.1', port, agent })), 'ok')
})
