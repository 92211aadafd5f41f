// SPDX-License-Identifier: MIT
//
// Somebody turns the loop inside of a callback, as deasync does: what is read
// there belongs to its own request, and nothing is told twice.
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const { test } = require('node:test')

const { Agent } = require('../support/agent')
const { rawServer } = require('../support/servers')
const turn = require('../../build/Release/turn_test.node')

const whens = {
  'in the listener': (act) => act(),
  'in a tick behind it': (act) => process.nextTick(act),
  'in a microtask behind it': (act) => queueMicrotask(act)
}

for (const [when, soon] of Object.entries(whens)) {
  test(`the loop is turned ${when}`, async (t) => {
    const sockets = []
    const port = await rawServer(t, (socket) => {
      sockets.push(socket)
      if (sockets.length < 2) return
      for (const each of sockets) each.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234')
      setTimeout(() => { for (const each of sockets) each.write('56789') }, 50)
    })
    const agent = new Agent()
    t.after(() => agent.destroy())
    const get = (turns) => new Promise((resolve, reject) => {
      http.get({ host: '127.0.0.1', port, agent }, (res) => {
        const told = []
        res.on('data', (chunk) => {
          told.push(String(chunk))
          if (turns && told.length === 1) soon(() => { for (let i = 0; i < 3; i++) turn() })
        })
        res.on('end', () => resolve(told.join('')))
      }).on('error', reject)
    })
    assert.deepEqual(await Promise.all([get(true), get(false)]), ['0123456789', '0123456789'])
  })
}
