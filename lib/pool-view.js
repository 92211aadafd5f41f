// SPDX-License-Identifier: MIT
//
// agent.sockets, agent.freeSockets and agent.requests: objects of arrays as in Node, made
// from the core's lists whenever they are read. Empty keys are removed, and an object or
// array that is kept stays up to date. Anything that the user puts in is also shown, until
// it is taken out again (agent-base counts with placeholders for sockets); the pool does not
// know about it.
'use strict'

const { kAgent, kIdle, kPlace } = require('./symbols')

// list: the core's, [key, id, id, ..., key, ...]. find: from an id to what the user sees, or
// undefined.
function poolView (list, find) {
  const target = { __proto__: null }
  const given = new Map() // keys that the user has set, and whether something was put in
  const refresh = () => fill(target, given, list(), find)
  return new Proxy(target, {
    get (_, key) {
      refresh()
      return target[key]
    },
    set (_, key, value) {
      if (Array.isArray(value)) {
        given.set(key, false)
        target[key] = value
      }
      return true
    },
    deleteProperty (_, key) {
      given.delete(key)
      return true
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

function fill (target, given, list, find) {
  const old = { __proto__: null, ...target }
  for (const key of Object.keys(target)) delete target[key]
  const shown = (name) => {
    target[name] = old[name] ?? []
    const foreign = target[name].filter(isForeign)
    target[name].length = 0
    target[name].push(...foreign)
    return target[name]
  }
  for (const [key, used] of given) {
    if (shown(key).length > 0) {
      given.set(key, true)
    } else if (used) { // and taken it out again
      given.delete(key)
      delete target[key]
    }
  }
  let name = ''
  for (const item of list) {
    if (typeof item === 'string') {
      name = item
      continue
    }
    const found = find(item)
    if (found !== undefined) (target[name] ?? shown(name)).push(found)
  }
  for (const key of Object.keys(old)) {
    if (target[key] === undefined) old[key].length = 0
  }
}

function isForeign (item) {
  return item?.[kAgent] === undefined && item?.[kPlace] === undefined
}

// An idle socket whose timeout has expired, or that was destroyed, can no longer be leased,
// but it counts as free until it has closed.
function wasFree (pool, id) {
  return pool.connectionAt(id)?.[kIdle] === true
}

function wereFree (pool) {
  return pool.active().filter((item) => typeof item === 'string' || wasFree(pool, item))
}

const viewOf = {
  sockets: (pool) => poolView(() => pool.active(),
    (id) => wasFree(pool, id) ? undefined : pool.connectionAt(id)),
  freeSockets: (pool) => poolView(() => [...pool.idle(), ...wereFree(pool)],
    (id) => pool.connectionAt(id)),
  requests: (pool) => poolView(() => pool.waiting(), (id) => pool.waiterAt(id)?.req)
}

module.exports = { viewOf }
