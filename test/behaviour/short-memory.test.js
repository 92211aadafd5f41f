// SPDX-License-Identifier: MIT
//
// No memory for the contents of a record: the request fails, regardless of what else
// came in the same read. A response never ends as if it were complete.
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const { test } = require('node:test')

const { Agent, hawserOnly } = require('../support/agent')
const { record, settled } = require('../support/events')
const { request } = require('../support/request')
const { scriptedServer } = require('../support/scripted-server')

const LENGTH = 40000
const OK = 'HTTP/1.1 200 OK\r\n'
const BODY = 'x'.repeat(LENGTH)
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n${LENGTH.toString(16)}\r\n${BODY}\r\n0\r\n`

// What fails: [object, name, for which arguments].
const chunks = [Buffer, 'allocUnsafeSlow', (size) => size >= 4]
const slabs = [Buffer, 'allocUnsafeSlow', (size) => size > LENGTH]
const texts = [Buffer.prototype, 'latin1Slice', (start, end, all) => all.length > LENGTH] // the ring's
const heads = [http.IncomingMessage.prototype, '_addHeaderLines', () => true]

function shortOf (t, [object, name, which]) {
  const own = object[name]
  const seen = { failed: 0 }
  object[name] = function (...args) {
    if (!which(...args, this)) return own.apply(this, args)
    seen.failed++
    throw new RangeError('Array buffer allocation failed')
  }
  seen.stop = () => { object[name] = own }
  t.after(seen.stop)
  return seen
}

const cases = [
  ['a chunk of a body', chunks, [`${OK}Content-Length: ${LENGTH}\r\n\r\n${BODY}`]],
  ['a chunk of a body in two reads',
    chunks, [`${OK}Content-Length: ${LENGTH}\r\n\r\n${BODY.slice(9)}`, BODY.slice(0, 9)]],
  ['a chunk of a body that ends with the connection',
    chunks, [`${OK}Connection: close\r\n\r\n${BODY}`], 'fin'],
  ['a chunk of a chunked body', chunks, [`${CHUNKED}\r\n`]],
  ["the next slab, for one that would be the user's", slabs, [`${OK}Content-Length: ${LENGTH}\r\n\r\n${BODY}`]],
  ['a head', texts, [`${OK}Content-Length: 2\r\n\r\nok`]],
  ['an informational head', texts, [`HTTP/1.1 103 Early\r\nA: b\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`]],
  ['trailers', texts, [CHUNKED.slice(0, -3), '0\r\nA: b\r\n\r\n'], null, 'after the head'],
  ['trailers, once they are split', heads, [CHUNKED.slice(0, -3), '0\r\nA: b\r\n\r\n'], null, 'after the head'],
  ['the packet of a parse error', chunks, ['no HTTP at all\r\n\r\n']],
  ['the text of a parse error', texts, ['no HTTP at all\r\n\r\n']],
  ['what follows a 101', chunks, [`HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n${BODY}`]],
  ["the socket's own data", chunks, [`${OK}Content-Length: 9\r\n\r\nok`], null, 'data']
]

for (const [what, memory, pieces, then, how] of cases) {
  test(`no memory for ${what}`, { skip: hawserOnly }, async (t) => {
    let short = null
    const { port } = await scriptedServer(t, (n) => n === 0
      ? { pieces, then }
      : { pieces: [`${OK}Content-Length: 2\r\n\r\nok`] })
    const agent = new Agent({ maxSockets: 1 })
    t.after(() => agent.destroy())
    const req = http.get({ host: '127.0.0.1', port, agent, headers: { Connection: 'upgrade', Upgrade: 'x' } })
    const events = record(req)
    let whole = null
    req.on('upgrade', () => { whole = true })
    req.on('response', (res) => {
      res.on('close', () => { whole = res.complete })
      if (how === 'after the head') short = shortOf(t, memory)
    })
    if (how === 'data') req.on('socket', (socket) => socket.on('data', () => {}))
    if (how !== 'after the head') short = shortOf(t, memory)
    await settled(req)
    short.stop()
    assert.ok(short.failed > 0)
    assert.notEqual(whole, true)
    assert.equal(events.includes('res end'), false, String(events))
    assert.equal(events.filter((event) => event.startsWith('error')).length, 1, String(events))
    assert.equal(events.filter((event) => event === 'close').length, 1)
    // The core has its slab again: all slabs are used here, and more.
    for (let i = 0; i < 40; i++) assert.equal(String((await request({ port, agent })).body), 'ok')
    assert.equal(agent.totalSocketCount, 1)
  })
}
