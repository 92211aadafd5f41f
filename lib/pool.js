// SPDX-License-Identifier: MIT
//
// A pool of connections by the name of their origin, over the core's pool: which requests
// have a connection, which wait, and which is next. It knows no protocol; its owner (http's
// Agent, for one) hands out the connections. What it is given is opaque, except for:
//
//   limits      { maxSockets, maxTotalSockets, maxFreeSockets, scheduling }, read
//               before each decision, because a program may change them at any time.
//               The core's pool is freed when this object has been collected.
//   connection  destroy(): it closes, now or later, and is removed then.
//   waiter      connect(place): it gets a place, to make a connection; take(connection):
//               it gets this connection; fail(err). `begun`: connect() or take() is
//               responsible for what it was given from here on, even if it throws.
//
// The owner calls acquire(), acts on the verdict, puts a connection in the place that it
// got, and releases it after each use. It calls remove() once for each place that it got by
// CONNECT, connect() or add(): if no connection is made, or when the connection in it has
// closed or left.
//
// A decision of the core is acted on or given back. Connections that it found dead or has
// evicted are destroyed here. A waiter that gets its turn begins, or fails and the next one
// gets the place. A released connection is handed over, idle, or destroyed.
'use strict'

const native = require('./binding')
const { results, INDEX_MASK } = require('./shared-ring')
const { NO_MEMORY, coreError, rethrow } = require('./errors')
const { debug, debugging } = require('./diagnostics')

const { verdict, register: result } = native
const verdictNames = Object.fromEntries(Object.entries(verdict).map(([name, n]) => [n, name]))

// The arguments of native.list().
const ACTIVE = 0
const IDLE = 1
const WAITING = 2

// By the index of an id, which no two pools share.
const connections = []
const waiters = []

// Waiters that have got their turn. One that fails at once makes room for the next, and
// nested calls would be too deep.
const starting = []
let isStarting = false

class Pool {
  constructor (limits) {
    this.limits = limits
    this.id = 0 // the core's; created when first needed
    this.maxSockets = undefined // and so on: the limits as the core has them
    this.maxTotalSockets = undefined
    this.maxFreeSockets = undefined
    this.scheduling = undefined
  }

  #refresh () {
    const { maxSockets, maxTotalSockets, maxFreeSockets, scheduling } = this.limits
    if (this.id !== 0 && this.maxSockets === maxSockets &&
        this.maxTotalSockets === maxTotalSockets && this.maxFreeSockets === maxFreeSockets &&
        this.scheduling === scheduling) return
    const numbers = [places(maxSockets) || 0, places(maxTotalSockets) || 0, places(maxFreeSockets)]
    const fifo = scheduling === 'fifo'
    const isNew = this.id === 0
    if (isNew) this.id = check(native.createPool(this.limits, ...numbers, fifo), 'createPool')
    this.maxSockets = maxSockets
    this.maxTotalSockets = maxTotalSockets
    this.maxFreeSockets = maxFreeSockets
    this.scheduling = scheduling
    if (isNew) return
    native.setPool(this.id, ...numbers, fifo)
    this.start()
  }

  // Result: REUSE, CONNECT or WAIT, whose id is idOf() of the result until the next call; or
  // a negative code, after which start() must be called: a connection may have been evicted.
  //   REUSE    connectionAt(id) is the owner's, or reject()
  //   CONNECT  id is a place: put() or remove()
  //   WAIT     wait(id, waiter) at once
  acquire (key) {
    this.#refresh()
    for (;;) {
      const answer = native.acquire(this.id, key)
      const evicted = results[result.EVICTED]
      if (evicted !== 0) process.nextTick(destroyConnection, connections[evicted & INDEX_MASK])
      if (answer !== verdict.CLOSE) return answer
      const id = results[result.CONN]
      if (debugging) debug('%s: %s', key, verdictNames[answer], id)
      connections[id & INDEX_MASK].destroy() // found dead; ask again
    }
  }

  idOf (answer) {
    return answer === verdict.WAIT ? results[result.WAITER] : results[result.CONN]
  }

  wait (id, waiter) {
    waiters[id & INDEX_MASK] = waiter
  }

  // A place regardless of the limits.
  add (key) {
    this.#refresh()
    check(native.add(this.id, key), 'add')
    return results[result.CONN]
  }

  put (id, connection) {
    connections[id & INDEX_MASK] = connection
  }

  // The connection just acquired, or handed over, cannot be used: it does not count as a
  // lease.
  reject (id, connection) {
    native.reject(id)
    connection.destroy()
  }

  // Its owner has finished with it. Result: true if it is idle now; otherwise the owner must
  // only remove() it.
  release (id, connection, mayIdle, idleMs) {
    this.#refresh()
    const answer = native.release(id, mayIdle, idleMs)
    if (debugging) debug('connection %d is free: %s', id, verdictNames[answer])
    if (answer === verdict.IDLE) return true
    if (answer === verdict.HANDOVER) handOver(connection, takeWaiter(results[result.WAITER]))
    else connection.destroy()
    return false
  }

  // Restarts the idle timeout of a connection. Result: false if there is no memory for it.
  setIdle (id, idleMs) {
    return native.setIdle(id, idleMs) !== NO_MEMORY
  }

  // A place and the connection in it leave the pool: there is room for another.
  remove (id, connection) {
    const index = id & INDEX_MASK
    if (connection !== undefined && connection === connections[index]) {
      connections[index] = undefined
    }
    native.remove(id)
    this.start()
  }

  // Must be called after anything that makes room. All waiters are taken out of their queues
  // first, so that a callback, or its exception, does not affect the later ones.
  start () {
    for (;;) {
      const status = native.next(this.id)
      const id = results[result.WAITER]
      if (id === 0) break
      starting.push({ pool: this, status, place: results[result.CONN], waiter: takeWaiter(id) })
    }
    if (!isStarting && starting.length > 0) startAll()
  }

  // Closes every connection, active or idle.
  destroy () {
    for (const item of [...this.idle(), ...this.active()]) {
      if (typeof item === 'number') connections[item & INDEX_MASK]?.destroy()
    }
  }

  // [key, id, id, ..., key, ...], for inspection.
  active () { return this.#list(ACTIVE) }
  idle () { return this.#list(IDLE) }
  waiting () { return this.#list(WAITING) }

  #list (what) {
    return this.id === 0 ? [] : native.list(this.id, what)
  }

  total () { return this.id === 0 ? 0 : native.total(this.id) }

  // Undefined if it has not been put in yet.
  connectionAt (id) { return connections[id & INDEX_MASK] }
  waiterAt (id) { return waiters[id & INDEX_MASK] }
}

// How many connections a limit allows, as Node's comparisons have it. With NaN there is room
// for none where Node tests for fewer, and for any number where it tests for more.
function places (limit) {
  return Math.max(Math.ceil(Number(limit)), 0)
}

function check (status, what) {
  if (status < 0) throw coreError(status, what)
  return status
}

function destroyConnection (connection) {
  connection.destroy()
}

function takeWaiter (id) {
  const waiter = waiters[id & INDEX_MASK]
  waiters[id & INDEX_MASK] = undefined
  return waiter
}

function startAll () {
  isStarting = true
  try {
    while (starting.length > 0) {
      const { pool, status, place, waiter } = starting.shift()
      if (status < 0) waiter.fail(coreError(status, 'connect')) // no memory for its place
      else startOne(pool, place, waiter)
    }
  } finally {
    isStarting = false
    if (starting.length > 0) process.nextTick(startAll) // a user's listener threw
  }
}

function startOne (pool, place, waiter) {
  try {
    waiter.connect(place)
  } catch (err) {
    if (!waiter.begun) {
      pool.remove(place)
      waiter.fail(err)
    }
    process.nextTick(rethrow, err)
  }
}

function handOver (connection, waiter) {
  try {
    waiter.take(connection)
  } catch (err) {
    if (!waiter.begun) {
      connection.destroy()
      waiter.fail(err)
    }
    throw err
  }
}

module.exports = { Pool, verdict, verdictNames }
