// SPDX-License-Identifier: MIT
//
// Responses that have no body, regardless of their head (RFC 9112 section 6.3): is
// their connection reused (section 9.3)? Node's agent closes that of a response to
// HEAD without framing.
'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { Agent, isHawser } = require('../support/agent')
const { request } = require('../support/request')
const { scriptedServer } = require('../support/scripted-server')

const FRAMINGS = {
  'no framing': '',
  'Content-Length': 'Content-Length: 5\r\n',
  chunked: 'Transfer-Encoding: chunked\r\n'
}
const VERSIONS = {
  1.1: ['1.1', '', true],
  '1.1, close': ['1.1', 'Connection: close\r\n', false],
  '1.0': ['1.0', '', false],
  '1.0, keep-alive': ['1.0', 'Connection: keep-alive\r\n', true]
}
const KINDS = [['HEAD', '200 OK'], ['HEAD', '404 Not Found'], ['GET', '204 No Content'], ['GET', '304 Not Modified']]

for (const [method, status] of KINDS) {
  for (const [framing, header] of Object.entries(FRAMINGS)) {
    for (const [how, [version, connection, keeps]] of Object.entries(VERSIONS)) {
      const parity = method !== 'HEAD' || framing !== 'no framing' || !keeps
      const kept = keeps && (parity || isHawser)
      test(`${method}, ${status}, ${framing}, ${how}: ${keeps ? 'kept' : 'closed'}`, async (t) => {
        const { port, requests } = await scriptedServer(t, () => ({
          pieces: [`HTTP/${version} ${status}\r\n${connection}${header}\r\n`]
        }))
        const agent = new Agent({ maxSockets: 1 })
        t.after(() => agent.destroy())
        for (let i = 0; i < 2; i++) {
          const { res, body } = await request({ port, agent, method })
          assert.equal(res.complete, true)
          assert.equal(body.length, 0)
        }
        assert.deepEqual(requests.map(({ connection }) => connection), kept ? [0, 0] : [0, 1])
      })
    }
  }
}
