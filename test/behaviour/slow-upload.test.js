// SPDX-License-Identifier: MIT
//
// A large write that makes progress does not count as silence; one that makes none
// does.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const { test } = require('node:test')

const { Agent } = require('../support/agent')
const { start } = require('../support/servers')

const MIB = 1024 * 1024
const LIMIT = 150 // ms

// Reads some of the request whenever the client has been silent for a third of its
// limit, `bits` times, and then either all of it or nothing more.
async function slowServer (t, bits, then) {
  return start(t, net.createServer((socket) => {
    let got = 0
    socket.on('error', () => {})
    socket.once('readable', () => {
      const timer = setInterval(() => {
        const bit = socket.read(MIB) ?? socket.read()
        got += bit === null ? 0 : bit.length
        if (--bits > 0) return
        clearInterval(timer)
        if (then === 'stops') return
        socket.on('data', (chunk) => {
          got += chunk.length
          if (got > 24 * MIB) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
        })
      }, LIMIT / 3)
      t.after(() => clearInterval(timer))
    })
  }))
}

for (const [what, makeBody] of [
  ['Buffer', () => Buffer.alloc(24 * MIB, 'b')],
  ['string', () => 'b'.repeat(24 * MIB)]
]) {
  for (const [how, prepare] of [
    ['req.setTimeout()', (req) => req.setTimeout(LIMIT)],
    ['socket.setTimeout()', (req) => req.on('socket', (socket) => {
      socket.setTimeout(LIMIT, () => req.emit('timeout'))
    })]
  ]) {
    test(`one ${what} of 24 MiB that is read in pieces does not time out: ${how}`, async (t) => {
      const port = await slowServer(t, 12, 'goes on')
      const agent = new Agent()
      t.after(() => agent.destroy())
      const req = http.request({ host: '127.0.0.1', port, agent, method: 'POST' })
      let timeouts = 0
      req.on('timeout', () => timeouts++)
      prepare(req)
      req.end(makeBody())
      const [res] = await once(req, 'response')
      assert.equal(timeouts, 0)
      res.resume()
      await once(res, 'end')
    })
  }
}

test('a peer that stops reading it is silent', async (t) => {
  const port = await slowServer(t, 3, 'stops')
  const agent = new Agent()
  t.after(() => agent.destroy())
  const req = http.request({ host: '127.0.0.1', port, agent, method: 'POST' })
  req.setTimeout(LIMIT)
  req.end(Buffer.alloc(24 * MIB))
  await once(req, 'timeout')
  const failed = once(req, 'error')
  req.destroy()
  assert.equal((await failed)[0].message, 'socket hang up')
})
