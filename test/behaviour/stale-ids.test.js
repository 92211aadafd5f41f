// SPDX-License-Identifier: MIT
//
// Ids of the core, seen from JavaScript: an id that has ended is always an error, and
// so is any value that never was one.
'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const native = require('../../lib/binding')
const ring = require('../../lib/shared-ring')

const REUSES = 5000 // more than 12 bits can count

const STALE = Number(Object.keys(native.errors).find(
  (status) => native.errors[status][0] === 'ERR_HAWSER_STALE'))

const CALLS = ['remove', 'take', 'open', 'external', 'begin', 'shutdown', 'pause', 'tap', 'close',
  'ref', 'keepAlive', 'noDelay', 'dup', 'setIdle', 'release', 'name', 'bytes', 'cancel']

const owner = {}

function pool () {
  return native.createPool(owner, Infinity, Infinity, Infinity, false)
}

function add (id) {
  assert.equal(native.add(id, 'origin'), 0)
  return ring.results[native.register.CONN]
}

for (const [kind, make] of Object.entries({ external: native.external, 'not opened': () => 0 })) {
  test(`an id of a connection (${kind}) is never repeated, however often its index is used`, () => {
    const id = pool()
    const old = new Set()
    for (let i = 0; i < REUSES; i++) {
      const conn = add(id)
      assert.equal(old.has(conn), false)
      old.add(conn)
      make(conn)
      assert.equal(native.remove(conn), 0)
    }
    const now = add(id)
    for (const conn of old) assert.equal(native.take(conn), STALE)
    assert.equal(native.remove(now), 0)
  })
}

test('anything that is not an id is stale', () => {
  const id = pool()
  const conn = add(id)
  const none = [0, -1, conn + 0.5, conn + 2 ** 20, conn + 2 ** 32, conn + 2 ** 52, 2 ** 53, 2 ** 64,
    -conn, NaN, Infinity, -Infinity, '1', null, undefined, {}, [conn], 1n]
  for (const call of CALLS) {
    for (const value of none) assert.equal(native[call](value), STALE, `${call}(${String(value)})`)
  }
  assert.equal(native.remove(conn), 0)
})

// The next connection uses the same memory at once.
const WITH_ARRAY = { dial: '127.0.0.1', writev: 'text' }
for (const [call, element] of Object.entries(WITH_ARRAY)) {
  test(`${call}: an id that ends while its array is read is stale`, (t) => {
    const id = pool()
    const old = add(id)
    let next
    const list = [element]
    Object.defineProperty(list, 0, {
      get () {
        native.remove(old)
        next = add(id)
        native.open(next, false)
        return element
      }
    })
    t.after(() => native.close(next, false))
    assert.equal(native[call](old, list, 9, Infinity), STALE)
  })
}
