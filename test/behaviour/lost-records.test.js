// SPDX-License-Identifier: MIT
//
// A record of the core that cannot be delivered: the async scope throws before the
// record is read, or never calls (an APM's patch of AsyncResource). Whatever the
// record: it is not delivered forever, its connection is closed, its request ends
// once, and everything else continues.
'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { hawserOnly } = require('../support/agent')
const { runScript } = require('../support/child')

// In the child: arm() has the next scope fail, arm(Infinity) every one.
const CHILD = `
  const { AsyncResource } = require('node:async_hooks')
  const net = require('node:net')
  const { once } = require('node:events')
  const run = AsyncResource.prototype.runInAsyncScope
  let armed = 0
  let failed = 0
  const arm = (count = 1) => { armed = count }
  const stop = (why) => { console.log(JSON.stringify({ why })); process.exit(1) }
  AsyncResource.prototype.runInAsyncScope = function (...args) {
    if (armed === 0) return run.apply(this, args)
    armed--
    if (++failed > 1000) stop('told for ever')
    if (HOW === 'throws') throw new Error('patched')
  }
  const uncaught = []
  process.on('uncaughtException', (err) => {
    uncaught.push(err.message)
    if (uncaught.length > 1000) stop('thrown for ever')
  })
  const OK = 'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok'
  const turns = async (count) => {
    for (let i = 0; i < count; i++) await new Promise(setImmediate)
  }
  const until = async (condition) => {
    for (let i = 0; !condition(); i++) {
      if (i > 5e5) stop('never ended: ' + condition)
      await turns(1)
    }
  }
  const ends = (req) => {
    const seen = { errors: [], closed: 0, whole: 0, cut: 0 }
    req.on('error', (err) => seen.errors.push(err.message))
    req.on('close', () => seen.closed++)
    req.on('response', (res) => {
      res.on('error', () => seen.cut++)
      res.on('data', () => {})
      res.on('end', () => { if (res.complete) seen.whole++ })
    })
    return seen
  }
  const server = net.createServer((socket) => {
    socket.on('error', () => {}) // cut off
    socket.on('data', (chunk) => {
      const [, path] = /^\\w+ \\/(\\w*)/.exec(chunk) ?? []
      if (path === undefined) return
      if (path === '') socket.write(OK)
      else paths[path](socket)
    })
  })
  const agent = new Agent({ keepAlive: true, maxSockets: 2, freeSocketTimeout: 20 })
  const ask = (path, options) => http.request({ host: '127.0.0.1', port: server.address().port,
    agent, path: '/' + path, ...options })
  async function main () {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { req, gone } = await scenario()
    const seen = ends(req)
    if (!req.writableEnded) req.end()
    await until(() => seen.closed > 0 && (gone?.() ?? true))
    await turns(5)
    armed = 0
    const other = ends(ask('').end())
    await until(() => other.closed > 0)
    await until(() => agent.totalSocketCount === 0) // freeSocketTimeout
    console.log(JSON.stringify({ seen, other, uncaught, failed }))
    process.exit(0)
  }
  setImmediate(main)
`

// Each sets scenario() and the server's paths. mayEnd: the response may have been
// read to its end by then.
const cases = {
  'a connection that is made': {
    code: 'const paths = {}; const scenario = () => { const req = ask(""); arm(); return { req } }'
  },
  'a response': {
    code: 'const paths = { late (s) { arm(); s.write(OK) } }; const scenario = () => ({ req: ask("late") })'
  },
  'the end of the connection in a response': {
    code: `const paths = { half (s) { s.write('HTTP/1.1 200 OK\\r\\nContent-Length: 9\\r\\n\\r\\nhalf') } }
      const scenario = () => {
        const req = ask('half')
        server.once('connection', (s) => req.on('response', () => { setImmediate(() => { arm(); s.end() }) }))
        return { req }
      }`
  },
  'a reset in a response': {
    code: `const paths = { half (s) { s.write('HTTP/1.1 200 OK\\r\\nContent-Length: 9\\r\\n\\r\\nhalf') } }
      const scenario = () => {
        const req = ask('half')
        server.once('connection', (s) => req.on('response', () => { setImmediate(() => { arm(); s.resetAndDestroy() }) }))
        return { req }
      }`
  },
  'the end of a write': {
    code: `const paths = { up (s) { s.pause(); setImmediate(() => { arm(); s.resume() }) } }
      const scenario = () => {
        const req = ask('up', { method: 'POST' })
        req.write(Buffer.alloc(32 << 20))
        return { req }
      }`
  },
  'the end of a handle': {
    code: `const paths = { never () {} }
      const scenario = () => {
        const req = ask('never')
        req.on('finish', () => setImmediate(() => { arm(); req.destroy() }))
        return { req }
      }`
  },
  'the end of an idle connection by time': {
    code: `const paths = {}
      const scenario = () => {
        const req = ask('')
        agent.once('free', () => process.nextTick(arm, 1))
        return { req, gone: () => agent.totalSocketCount === 0 }
      }`,
    mayEnd: true
  },
  "the socket's own data": {
    code: `const paths = {}
      const scenario = () => {
        const req = ask('')
        req.on('socket', (s) => s.on('data', () => {}))
        req.on('response', () => arm())
        return { req }
      }`,
    mayEnd: true
  },
  'everything from a response on': {
    code: `const paths = { late (s) { arm(Infinity); s.write(OK) } }
      const scenario = () => ({ req: ask('late') })`,
    often: true
  }
}

for (const [what, { code, mayEnd, often }] of Object.entries(cases)) {
  for (const how of ['throws', 'does not call']) {
    test(`the scope of a record ${how}: ${what}`, { skip: hawserOnly }, async () => {
      const { out, err } = await runScript(`const HOW = ${JSON.stringify(how)};${CHILD}${code}`)
      assert.match(out, /seen/, err)
      const { seen, other, uncaught, failed } = JSON.parse(out)
      assert.ok(often ? failed >= 1 : failed === 1)
      assert.equal(seen.closed, 1)
      assert.ok(seen.errors.length <= 1, out)
      assert.equal(Math.max(seen.errors.length, seen.cut) + seen.whole, 1, out)
      if (!mayEnd) assert.equal(seen.whole, 0)
      assert.deepEqual(uncaught, how === 'throws' ? Array(failed).fill('patched') : [])
      assert.deepEqual(other, { errors: [], closed: 1, whole: 1, cut: 0 })
    })
  }
}

test('a socket whose timer cannot be restarted fails its request once', { skip: hawserOnly }, async () => {
  const { out, err } = await runScript(`const HOW = '';${CHILD}
    const paths = { late (s) { broken._parent = undefined; s.write(OK) } }
    let broken
    const scenario = () => ({ req: ask('late').on('socket', (s) => { broken = s }) })`)
  assert.match(out, /seen/, err)
  const { seen, other, uncaught } = JSON.parse(out)
  assert.equal(seen.closed, 1)
  assert.equal(seen.errors.length + seen.whole, 1, out)
  assert.equal(uncaught.length, seen.errors.length) // Node 20 only: others do not look at it
  assert.deepEqual(other, { errors: [], closed: 1, whole: 1, cut: 0 })
})
