// SPDX-License-Identifier: MIT
//
// agent.sockets, agent.freeSockets and agent.requests: objects of arrays as
// Node has them, made from the core's lists whenever somebody looks. Keys are
// gone when empty, and an object or array that is kept stays up to date.
'use strict'

const native = require('./binding')

// what: 0 active, 1 idle, 2 waiting. find: from an id to what the user sees.
function poolView (poolId, what, find) {
  const target = { __proto__: null }
  const refresh = () => fill(target, poolId() === 0 ? [] : native.list(poolId(), what), find)
  return new Proxy(target, {
    get (_, key) {
      refresh()
      return target[key]
    },
    has (_, key) {
      refresh()
      return key in target
    },
    ownKeys () {
      refresh()
      return Reflect.ownKeys(target)
    },
    getOwnPropertyDescriptor (_, key) {
      refresh()
      return Reflect.getOwnPropertyDescriptor(target, key)
    }
  })
}

function fill (target, list, find) {
  const old = { __proto__: null, ...target }
  for (const key of Object.keys(target)) delete target[key]
  let name = ''
  let members = []
  for (const item of list) {
    if (typeof item === 'string') {
      name = item
      members = old[name] ?? []
      members.length = 0
      continue
    }
    const found = find(item)
    if (found === undefined) continue // an entry whose socket is still to come
    members.push(found)
    target[name] = members
  }
}

module.exports = { poolView }
