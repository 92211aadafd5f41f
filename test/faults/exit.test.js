// SPDX-License-Identifier: MIT
//
// The end of the process, an exception and a rejected promise in every callback of a
// request. There must be no signal, and Node's own exit codes; if the program catches
// the exception, nothing else may be affected.
'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const http = require('node:http')
const path = require('node:path')
const { test } = require('node:test')

const { hawserOnly } = require('../support/agent')
const { start } = require('../support/servers')

const SCRIPT = path.join(__dirname, 'exit', 'run.js')

const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'

const EVENTS = ['response', 'data', 'end', 'res close', 'res error', 'socket', 'connect', 'finish',
  'close', 'error', 'timeout', 'drain', 'information', 'upgrade', 'free', 'lookup',
  'lookup at once', 'createConnection']

function run (...args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [SCRIPT, ...args],
      { stdio: ['ignore', 'pipe', 'pipe'], timeout: 10_000, killSignal: 'SIGKILL' })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk) => { out += chunk })
    child.stderr.on('data', (chunk) => { err += chunk })
    child.on('close', (status, signal) => resolve({ status, signal, out: out.trim(), err }))
  })
}

async function server (t) {
  const answer = (req, res) => {
    req.resume()
    if (req.url === '/never') return
    if (req.url === '/upload') return req.on('end', () => res.end('ok'))
    if (req.url === '/reset') return req.socket.resetAndDestroy()
    if (req.url === '/half') {
      res.writeHead(200, { 'Content-Length': 10 })
      res.write('half')
      return setImmediate(() => req.socket.resetAndDestroy())
    }
    res.writeEarlyHints({ link: '</x>' })
    setImmediate(() => res.end('ok'))
  }
  // A connection whose request threw in 'close' is never released: it ends when the
  // server closes it.
  const server = http.createServer({ keepAliveTimeout: 100 }, answer)
  server.on('upgrade', (req, socket) => socket.end(SWITCH))
  return String(await start(t, server))
}

// An exception in 'socket' or 'connect' comes before the request is written, so
// nothing is left to end it; one in 'information' ends Node's own parser.
const NOT_CAUGHT = new Set(['socket', 'connect'])
const skip = (event) => event === 'information' && hawserOnly

for (const event of EVENTS) {
  test(`in '${event}': exit, exception and rejection`, { skip: skip(event) }, async (t) => {
    const port = await server(t)
    const exit = await run(port, event, 'exit')
    assert.deepEqual([exit.status, exit.signal, exit.err], [7, null, ''])
    for (const how of ['throw', 'reject']) {
      const thrown = await run(port, event, how)
      assert.deepEqual([thrown.status, thrown.signal], [1, null], thrown.err)
      assert.match(thrown.err, /Error: meant/)
    }
    if (NOT_CAUGHT.has(event)) return
    const caught = await run(port, event, 'caught')
    assert.deepEqual([caught.status, caught.signal], [0, null], caught.err)
    assert.equal(caught.out, '1 caught, 6 of 6 ended')
  })
}
