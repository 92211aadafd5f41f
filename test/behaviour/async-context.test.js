// SPDX-License-Identifier: MIT
//
// The async context in which each callback runs, and the effect of an exception
// that is thrown in one.
'use strict'

const assert = require('node:assert/strict')
const { AsyncLocalStorage } = require('node:async_hooks')
const { once } = require('node:events')
const http = require('node:http')
const { test } = require('node:test')

const { Agent } = require('../support/agent')
const { runScript } = require('../support/child')
const { request, freed } = require('../support/request')
const { httpServer } = require('../support/servers')

const storage = new AsyncLocalStorage()

function agentFor (t, options) {
  const agent = new Agent(options)
  t.after(() => agent.destroy())
  return agent
}

function server (t) {
  return httpServer(t, (req, res) => {
    if (req.url === '/break') return req.socket.destroy()
    if (req.url === '/never') return
    res.write('one')
    setImmediate(() => res.end('two'))
  })
}

// Sends a request in its own context and returns what each callback found:
// { event: [id, ...] }.
function watch (id, options, act = () => {}) {
  const found = {}
  const note = (name) => () => { (found[name] ??= []).push(storage.getStore()) }
  return storage.run(id, () => new Promise((resolve) => {
    const req = http.request({ host: '127.0.0.1', ...options })
    for (const name of ['socket', 'finish', 'response', 'error', 'timeout', 'information']) {
      req.on(name, note(name))
    }
    req.on('response', (res) => {
      for (const name of ['data', 'end', 'error', 'close']) res.on(name, note(`res ${name}`))
    })
    req.on('close', () => {
      note('close')()
      setImmediate(setImmediate, resolve, found)
    })
    act(req)
    if (!req.writableEnded) req.end()
  }))
}

// Every callback that ran found `id`, and all of `names` ran.
function checkAll (found, id, names) {
  for (const name of names) assert.ok(found[name], `no ${name}`)
  for (const [name, ids] of Object.entries(found)) {
    for (const one of ids) assert.equal(one, id, name)
  }
}

const WHOLE = ['socket', 'finish', 'response', 'res data', 'res end', 'res close', 'close']

test('the callbacks of a request on a new connection run in its context', async (t) => {
  const port = await server(t)
  checkAll(await watch('new', { port, agent: agentFor(t) }), 'new', WHOLE)
})

test('the callbacks of a request on a used connection run in its own context, not in the first',
  async (t) => {
    const port = await server(t)
    const agent = agentFor(t)
    for (const id of ['first', 'second', 'third']) {
      const free = freed(agent)
      checkAll(await watch(id, { port, agent }), id, WHOLE)
      await free
    }
  })

test('the callbacks of each waiting request run in its context', async (t) => {
  const port = await server(t)
  const agent = agentFor(t, { maxSockets: 2 })
  const ids = Array.from({ length: 20 }, (_, i) => i)
  const all = await Promise.all(ids.map((id) => watch(id, { port, agent })))
  for (const [id, found] of all.entries()) checkAll(found, id, WHOLE)
})

test('a POST with many writes', async (t) => {
  const port = await server(t)
  const calls = []
  const found = await watch('post', { port, agent: agentFor(t), method: 'POST' }, (req) => {
    for (let i = 0; i < 3; i++) req.write('x', () => calls.push(storage.getStore()))
    req.end('y', () => calls.push(storage.getStore()))
  })
  checkAll(found, 'post', WHOLE)
  assert.deepEqual(calls, Array(4).fill('post'))
})

test("an error is reported in the request's context: refused, broken, destroyed", async (t) => {
  const port = await server(t)
  const agent = agentFor(t)
  checkAll(await watch('broken', { port, agent, path: '/break' }), 'broken', ['error', 'close'])
  checkAll(await watch('destroyed', { port, agent, path: '/never' }, (req) => {
    req.on('finish', () => setImmediate(() => req.destroy()))
  }), 'destroyed', ['error', 'close'])
  checkAll(await watch('unknown', {
    host: 'no.test', port, agent, lookup: (host, options, callback) => callback(new Error('no'))
  }), 'unknown', ['error', 'close'])
})

test("lookup runs in the request's context", async (t) => {
  const port = await server(t)
  let found
  await watch('lookup', {
    host: 'a.test',
    port,
    agent: agentFor(t),
    family: 4,
    lookup: (host, options, callback) => {
      found = storage.getStore()
      callback(null, '127.0.0.1', 4)
    }
  })
  assert.equal(found, 'lookup')
})

test('promises made in a callback continue in its context', async (t) => {
  const port = await server(t)
  const agent = agentFor(t, { maxSockets: 1 })
  await Promise.all(['a', 'b', 'c'].map((id) => storage.run(id, async () => {
    const [res] = await once(http.get({ host: '127.0.0.1', port, agent }), 'response')
    assert.equal(storage.getStore(), id)
    let text = ''
    for await (const chunk of res) {
      text += chunk
      assert.equal(storage.getStore(), id)
    }
    assert.equal(text, 'onetwo')
  })))
})

test('a request made in the callback of another has the context of that callback', async (t) => {
  const port = await server(t)
  const agent = agentFor(t)
  const found = await storage.run('outer', () => new Promise((resolve, reject) => {
    http.get({ host: '127.0.0.1', port, agent }, (res) => {
      res.resume().on('end', () => {
        request({ port, agent }).then(() => resolve(storage.getStore()), reject)
      })
    })
  }))
  assert.equal(found, 'outer')
})

for (const [title, where] of [
  ["'response'", 'throw new Error("mine")'],
  ["'data'", 'res.on("data", () => { throw new Error("mine") })'],
  ["'end'", 'res.resume().on("end", () => { throw new Error("mine") })'],
  ["'close' of the response", 'res.resume().on("close", () => { throw new Error("mine") })']
]) {
  test(`an exception in ${title} is an uncaughtException, and other requests still end`, async () => {
    const { status, out, err } = await runScript(`
      process.on('uncaughtException', (err, origin) => console.log(origin, err.message))
      const server = http.createServer((req, res) => res.end('ok'))
      server.listen(0, '127.0.0.1', () => {
        const { port } = server.address()
        const bad = new Agent()
        http.get({ host: '127.0.0.1', port, agent: bad }, (res) => { ${where} }).on('error', () => {})
        const agent = new Agent({ maxSockets: 3 })
        let left = 20
        for (let i = 0; i < 20; i++) {
          http.get({ host: '127.0.0.1', port, agent }, (res) => {
            res.resume().on('end', () => {
              if (--left === 0) {
                console.log('all ended')
                setImmediate(() => process.exit(0))
              }
            })
          })
        }
      })`)
    assert.deepEqual(out.split('\n').sort(), ['all ended', 'uncaughtException mine'])
    assert.equal(err, '')
    assert.equal(status, 0)
  })
}

test('an uncaught exception ends the process with its stack', async () => {
  const { status, err } = await runScript(`
    const server = http.createServer((req, res) => res.end('ok')).listen(0, '127.0.0.1', () => {
      http.get({ host: '127.0.0.1', port: server.address().port, agent: new Agent() }, () => {
        throw new Error('nobody catches me')
      })
    })`)
  assert.equal(status, 1)
  assert.match(err, /Error: nobody catches me/)
})

test('an error of a request without a listener ends the process', async () => {
  const { status, err } = await runScript(`
    const server = http.createServer((req) => req.socket.destroy())
    server.listen(0, '127.0.0.1', () => {
      http.get({ host: '127.0.0.1', port: server.address().port, agent: new Agent() })
    })`)
  assert.equal(status, 1)
  assert.match(err, /socket hang up/)
  assert.match(err, /ECONNRESET/)
})
