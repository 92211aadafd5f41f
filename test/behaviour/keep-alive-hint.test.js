// SPDX-License-Identifier: MIT
//
// What a server's Keep-Alive header says about its idle connections, in every legal
// form; it applies to idle connections only.
'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const { test } = require('node:test')

const { Agent, hawserOnly } = require('../support/agent')
const { request } = require('../support/request')
const { rawServer } = require('../support/servers')

const LIMIT = 60000 // the agent's own

const lanes = {
  fast: (agent) => agent,
  node: (agent) => Object.assign(agent, { createConnection: (options) => net.connect(options) })
}

// A server whose responses have these header lines.
function server (t, lines) {
  const head = ['HTTP/1.1 200 OK', ...lines, 'Content-Length: 2', '', 'ok'].join('\r\n')
  return rawServer(t, (socket) => socket.write(head))
}

// What a connection's time limit is once it is idle; null: it is not kept.
const SHORT = null
const cases = [
  [['Keep-Alive: timeout=5'], 4000],
  [['Keep-Alive: timeout=5, max=100'], 4000],
  [['Keep-Alive: max=100, timeout=5'], 4000],
  [['keep-alive: TIMEOUT=5'], 4000],
  [['Keep-Alive: Timeout = 5 , Max=1'], 4000],
  [['Keep-Alive: timeout="5"'], 4000],
  [['Keep-Alive: timeout= " 5 "'], 4000],
  [['Keep-Alive: max=3', 'Keep-Alive: timeout=5'], 4000],
  [['Keep-Alive: timeout=9', 'Keep-Alive: timeout=5'], 4000],
  [['Keep-Alive: timeout=5; max=3'], 4000],
  [['Keep-Alive: timeout=007'], 6000],
  [['Keep-Alive: note="timeout=2, \\" timeout=2", timeout=5'], 4000],
  [['Keep-Alive: x-timeout=2, timeout=5'], 4000],
  [['Keep-Alive: max=100, timeout=1'], SHORT],
  [['Keep-Alive: timeout=0'], SHORT],
  [['Keep-Alive: timeout=9, timeout=1'], SHORT],
  [['Keep-Alive: timeout=99999999999999999999'], LIMIT],
  [[`Keep-Alive: timeout=${'9'.repeat(400)}`], LIMIT],
  [['Keep-Alive: timeout=-5'], LIMIT],
  [['Keep-Alive: timeout=soon'], LIMIT],
  [['Keep-Alive: timeout='], LIMIT],
  [['Keep-Alive: timeout'], LIMIT],
  [['Keep-Alive: timeout="5'], LIMIT],
  [['Keep-Alive: time out=5'], LIMIT],
  [['Keep-Alive: 5'], LIMIT],
  [['Keep-Alive: ,;= "" ,'], LIMIT],
  [['Keep-Alive:'], LIMIT],
  [[`Keep-Alive: ${'a="'.repeat(4000)}`], LIMIT],
  [[], LIMIT]
]

for (const [lane, make] of Object.entries(lanes)) {
  for (const [lines, limit] of cases) {
    test(`${lines.join(' | ').slice(0, 70) || 'no hint'}, ${lane} lane`, { skip: hawserOnly }, async (t) => {
      const port = await server(t, lines)
      const agent = make(new Agent({ timeout: LIMIT, freeSocketTimeout: 0 }))
      t.after(() => agent.destroy())
      const free = once(agent, 'free')
      await request({ port, agent })
      const [socket] = await free
      assert.equal(socket.destroyed, limit === null)
      if (limit !== null) assert.equal(socket.timeout, limit)
    })
  }

  for (const [what, options, expected] of [
    ["the agent's", {}, LIMIT], ["the request's", { timeout: 5000 }, 5000]
  ]) {
    test(`a hint is not the next request's time limit, but ${what} is, ${lane} lane`, { skip: hawserOnly }, async (t) => {
      const port = await server(t, ['Keep-Alive: timeout=3'])
      const agent = make(new Agent({ timeout: LIMIT }))
      t.after(() => agent.destroy())
      const free = once(agent, 'free')
      await request({ port, agent })
      const [socket] = await free
      assert.equal(socket.timeout, 2000)
      const req = http.get({ host: '127.0.0.1', port, agent, ...options })
      const [same] = await once(req, 'socket')
      assert.equal(same, socket)
      assert.equal(socket.timeout, expected)
      const [res] = await once(req, 'response')
      assert.equal(socket.timeout, expected)
      res.resume()
      await once(res, 'end')
    })
  }

  test(`a time limit of a subclass's own outlives the hint, ${lane} lane`, { skip: hawserOnly }, async (t) => {
    class Mine extends Agent {
      keepSocketAlive (socket) {
        const kept = super.keepSocketAlive(socket)
        socket.setTimeout(1234)
        return kept
      }
    }
    const port = await server(t, ['Keep-Alive: timeout=3'])
    const agent = make(new Mine({ timeout: LIMIT }))
    t.after(() => agent.destroy())
    const free = once(agent, 'free')
    await request({ port, agent })
    await free
    const req = http.get({ host: '127.0.0.1', port, agent })
    const [socket] = await once(req, 'socket')
    assert.equal(socket.timeout, 1234)
    await once(req, 'response')
  })
}
