// SPDX-License-Identifier: MIT
//
// What a look-up calls back with, and the result: with one address or several, the
// same events, errors and performance entries as with the built-in Agent; and one
// error where Node throws or connects twice.
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const { PerformanceObserver } = require('node:perf_hooks')
const { test } = require('node:test')

const { Agent, hawserOnly } = require('../support/agent')
const { httpServer, start } = require('../support/servers')

const HERE = { address: '127.0.0.1', family: 4 }
const REFUSES = { address: '127.0.0.2', family: 4 } // nothing listens there
const ALSO_REFUSES = { address: '127.0.0.3', family: 4 }
const UNREACHABLE = { address: '255.255.255.255', family: 4 } // fails at once
const NONSENSE = { address: 'nonsense', family: 4 }

const EVENTS = ['lookup', 'connectionAttempt', 'connectionAttemptFailed', 'connectionAttemptTimeout',
  'connect', 'ready']

// Node adds the local address where connect() has failed at once.
const plain = (value) => value instanceof Error
  ? [value.name, value.code, value.message.replace(/ - Local .*/, '')]
  : value

// One request; all events of its connection, in order.
function watch (agent, port, lookup, options) {
  return new Promise((resolve) => {
    const told = []
    const seen = []
    const observer = new PerformanceObserver((list) => seen.push(...list.getEntries()))
    observer.observe({ entryTypes: ['net'] })
    const req = http.get({ host: 'some.test', port, agent, ...options, lookup }, (res) => {
      told.push(['response', res.statusCode])
      res.resume()
    })
    req.on('socket', (socket) => {
      told.push(['tried', socket.autoSelectFamilyAttemptedAddresses])
      for (const name of EVENTS) {
        socket.on(name, (...args) => {
          told.push([name, ...args.map(plain), socket.autoSelectFamilyAttemptedAddresses?.join()])
        })
      }
    })
    req.on('error', (err) => told.push(['error', plain(err), err.errors?.map(plain), err.address, err.port]))
    req.on('close', () => {
      agent.destroy()
      setImmediate(() => {
        const entries = [...seen, ...observer.takeRecords()]
          .map(({ name, entryType, detail }) => ({ name, entryType, detail }))
        observer.disconnect()
        resolve({ told, entries })
      })
    })
  })
}

// In its own turn, so that the listeners get every event.
const later = (...answers) => (host, options, callback) => setImmediate(() => {
  for (const answer of answers) callback(...answer)
})

const LISTS = {
  'one address': [HERE],
  'the first of two': [HERE, REFUSES],
  'the second of two': [REFUSES, HERE],
  'the third of three': [REFUSES, ALSO_REFUSES, HERE],
  'none of two': [REFUSES, ALSO_REFUSES],
  'the second, where the first fails at once': [UNREACHABLE, HERE],
  'one, and nonsense in front of it': [NONSENSE, HERE],
  'two, and nonsense in front of and between them': [NONSENSE, REFUSES, NONSENSE, HERE],
  'two that are the same': [HERE, HERE],
  'nonsense only': [NONSENSE],
  'no family': [{ address: '127.0.0.1' }],
  'one that fails at once': [UNREACHABLE],
  'two families': [{ address: '::1', family: 6 }, HERE]
}

for (const [what, list] of Object.entries(LISTS)) {
  test(`events and 'net' entries are as with the built-in Agent: ${what}`, async (t) => {
    const port = await httpServer(t, (req, res) => res.end())
    const expected = await watch(new http.Agent({ keepAlive: true }), port, later([null, list]))
    const actual = await watch(new Agent(), port, later([null, list]))
    assert.deepEqual(actual, expected)
    const connected = expected.told.some(([name]) => name === 'connect')
    assert.equal(expected.entries.length, connected ? 1 : 0)
  })
}

// What has a place when a request's error is emitted, and what a request made then gets.
function placesAtError (agent, port, list) {
  const size = (lists) => Object.values(lists).flat().length
  const told = []
  const get = (onError) => new Promise((resolve) => {
    http.get({ host: 'some.test', port, agent, lookup: later([null, list]) })
      .on('error', (err) => {
        told.push(err.code, agent.totalSocketCount, size(agent.sockets))
        onError()
      })
      .on('close', resolve)
  })
  return new Promise((resolve) => {
    get(() => {
      const next = get(() => {})
      told.push(size(agent.requests))
      next.then(() => resolve(told))
    })
  })
}

const FAILING = {
  'one address': [REFUSES],
  'one that fails at once': [UNREACHABLE],
  'two addresses': [REFUSES, ALSO_REFUSES],
  'two, of which the first fails at once': [UNREACHABLE, REFUSES],
  'two, of which the last fails at once': [REFUSES, UNREACHABLE],
  'two that fail at once': [UNREACHABLE, { address: '127.255.255.255', family: 4 }],
  'three addresses': [REFUSES, ALSO_REFUSES, { address: '127.0.0.4', family: 4 }]
}

for (const [what, list] of Object.entries(FAILING)) {
  test(`a socket that cannot connect keeps its place until it has closed: ${what}`, async (t) => {
    const port = await httpServer(t, (req, res) => res.end())
    const options = { keepAlive: true, maxSockets: 1 }
    const expected = await placesAtError(new http.Agent(options), port, list)
    assert.deepEqual(await placesAtError(new Agent(options), port, list), expected)
    assert.deepEqual(expected.slice(1, 4), [1, 1, 1])
  })
}

test('a socket that is destroyed in a \'lookup\' event emits no further address', async (t) => {
  const port = await httpServer(t, (req, res) => res.end())
  const heard = []
  for (const agent of [new http.Agent(), new Agent()]) {
    const addresses = []
    const req = http.get({ host: 'some.test', port, agent, lookup: later([null, [HERE, REFUSES]]) })
    req.on('socket', (socket) => socket.on('lookup', (err, address) => {
      addresses.push([err, address])
      socket.destroy()
    }))
    await new Promise((resolve) => {
      req.on('error', (err) => addresses.push(err.code)).on('close', resolve)
    })
    heard.push(addresses)
  }
  assert.deepEqual(heard[1], heard[0])
  assert.equal(heard[0].length, 2)
})

// -- where Node throws, or continues twice ------------------------------------------

const ONE = { family: 4 } // options with which Node asks for one address
const ANSWERS = {
  nothing: [undefined],
  null: [null],
  'an empty list': [[]],
  'an object': [{}],
  'a number': [7],
  'a list of null': [[null]],
  'a list of undefined and an address': [[undefined, HERE]],
  'a list of an empty object': [[{}]],
  'a list of strings': [['127.0.0.1']]
}

for (const [what, answer] of Object.entries(ANSWERS)) {
  for (const options of [{}, ONE]) {
    const title = `a look-up of ${options === ONE ? 'one address' : 'all'} that finds ${what}`
    test(title, { skip: hawserOnly }, async (t) => {
      const port = await httpServer(t, (req, res) => res.end())
      const { told } = await watch(new Agent(), port, later([null, ...answer]), options)
      const ends = told.filter(([name]) => name === 'error' || name === 'response')
      assert.equal(ends.length, 1)
      assert.equal(ends[0][1][1], 'ERR_INVALID_IP_ADDRESS')
      assert.ok(!told.some(([name]) => name === 'connectionAttempt'))
    })
  }
}

const ok = (list) => [null, list]
const failed = [Object.assign(new Error('not found'), { code: 'ENOTFOUND' })]
const TWICE = {
  'the same address': [ok([HERE]), ok([HERE])],
  'the same addresses': [ok([HERE, REFUSES]), ok([HERE, REFUSES])],
  'an address, then another': [ok([HERE]), ok([REFUSES])],
  'an address, then several': [ok([HERE]), ok([REFUSES, ALSO_REFUSES])],
  'several, then an address': [ok([REFUSES, HERE]), ok([REFUSES])],
  'an address, then an error': [ok([HERE]), failed],
  'several, then nothing': [ok([REFUSES, HERE]), [null]],
  'an error, then an address': [failed, ok([HERE])],
  'nothing, then an address': [[null], ok([HERE])]
}

for (const [what, answers] of Object.entries(TWICE)) {
  test(`a look-up that calls back twice: ${what}`, { skip: hawserOnly }, async (t) => {
    let connections = 0
    const server = http.createServer((req, res) => res.end())
    server.on('connection', () => connections++)
    const port = await start(t, server)
    const first = await watch(new Agent(), port, later(answers[0]))
    const before = connections
    const twice = await watch(new Agent(), port, later(...answers))
    assert.deepEqual(twice, first) // as if it had called back once
    assert.equal(connections - before, before)
    const ends = twice.told.filter(([name]) => name === 'error' || name === 'response')
    assert.equal(ends.length, 1)
  })
}
