// SPDX-License-Identifier: MIT
//
// Every callback of the user that a request calls may throw, destroy any object or
// take the socket away: each request ends once, an exception is seen once, the pool's
// counts are right afterwards and its one place is free. The table is in
// test/support/worst-moments.js.
'use strict'

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const path = require('node:path')
const { test, after } = require('node:test')
const { promisify } = require('node:util')

const { hawserOnly } = require('../support/agent')

const CHILD = path.join(__dirname, '..', 'support', 'worst-moments.js')
const SITUATIONS = ['new', 'reused', 'handed', 'made']

// If http.request() throws after the connection was made, the caller never gets the
// request, and it stays on the connection forever; nothing can destroy it.
const LOST = ['addRequest, after: throws']

// Node's Writable calls no callback after one that threw, so 'finish' never comes.
if (Number(process.versions.node.split('.')[0]) >= 24) LOST.push('write callback: throws')

// Exceptions that pass through Node's own code on the Node lane, before it has
// finished: docs/compatibility.md
const NODES = [
  /^socket (lookup|connect|data|end|close)(, first)?: throws$/,
  /^request (finish|response|continue|information|drain|close|error): throws$/,
  /^(write|end) callback: throws$/,
  /^(socket )?free, first: throws$/
]

// Callbacks that only one lane or one version of Node has.
const OPTIONAL = ['createConnection', 'createConnection, after', 'socket agentRemove', 'socket agentRemove, first',
  'channel http.client.request.created', 'socket data, first']

for (const lane of ['fast', 'node']) {
  const met = new Set()
  let names = []
  for (const situation of SITUATIONS) {
    test(`${lane} lane, a connection that is ${situation}`, { skip: hawserOnly }, async () => {
      const { stdout } = await promisify(execFile)(process.execPath, [CHILD, lane, situation])
      const lines = stdout.trim().split('\n')
      const last = JSON.parse(lines.at(-1))
      names = last.names
      for (const name of last.met) met.add(name)
      const wrong = lines.filter((line) => line.startsWith('WRONG ')).map((line) => line.slice(6))
      const known = lane === 'node' ? [...NODES] : []
      assert.deepEqual(wrong.filter((line) => {
        const cell = /^.*?: [^:]*/.exec(line)[0]
        return !LOST.includes(cell) && !known.some((pattern) => pattern.test(cell))
      }), [])
    })
  }

  after(() => {
    if (hawserOnly) return
    assert.deepEqual(names.filter((name) => !met.has(name) && !OPTIONAL.includes(name)), [])
  })
}
