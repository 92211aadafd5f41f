// SPDX-License-Identifier: MIT
//
// agent.sockets, agent.freeSockets and agent.requests: objects of arrays as
// Node has them, made from the core's lists whenever somebody looks. Keys are
// gone when empty, and an object or array that is kept stays up to date.
'use strict'

// list: the core's, [key, id, id, ..., key, ...]. find: from an id to what the
// user sees; undefined: nothing here.
function poolView (list, find) {
  const target = { __proto__: null }
  const refresh = () => fill(target, list(), find)
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
  for (const item of list) {
    if (typeof item === 'string') {
      name = item
      continue
    }
    const found = find(item)
    if (found === undefined) continue
    if (target[name] === undefined) {
      target[name] = old[name] ?? []
      target[name].length = 0
    }
    target[name].push(found)
  }
}

module.exports = { poolView }
