// SPDX-License-Identifier: MIT
//
// A pool of connections by the name of their origin, over the core's: who has a
// connection, who waits, whose turn it is. Whatever hands out connections stands
// above it (http's Agent is one); there is no protocol in it. What it is given is
// opaque but for these:
//
//   limits      { maxSockets, maxTotalSockets, maxFreeSockets, scheduling }, looked at
//               before each decision, since a program may change them at any time.
//               The core's pool goes when this object has been collected.
//   connection  destroy(): it closes, now or later, and is removed then.
//   waiter      connect(place): its turn has come, make a connection; take(connection):
//               this one is yours; fail(err). `begun`: connect() or take() has come so far
//               that it answers for what it was given, also where it throws.
//
// The owner asks with acquire(), does what the verdict says, puts a connection in the
// place it was given, and releases it after each use. It calls remove() once for each
// place that it was given, by CONNECT, connect() or add(): when nothing comes of it, or
// when the connection in it has closed or left.
//
// A decision of the core is acted on or given back: what it found dead or has evicted
// is destroyed here; whoever's turn has come is begun, or fails and the place is the
// next one's; a connection that was released is another's, idle, or destroyed.
'use strict'

const native = require('./binding')
const { results, INDEX_MASK } = require('./shared-ring')
const { NO_MEMORY, coreError, rethrow } = require('./errors')
const { debug, debugging } = require('./diagnostics')

const { verdict, register: result } = native
const verdictNames = Object.fromEntries(Object.entries(verdict).map(([name, n]) => [n, name]))

// What native.list() is asked for.
const ACTIVE = 0
const IDLE = 1
const WAITING = 2

// By index of an id, which no two pools share.
const connections = []
const waiters = []

// Those whose turn has come: one that fails at once makes room for the next, and a
// call for each inside of the one before would be too deep.
const starting = []
let isStarting = false

class Pool {
  constructor (limits) {
    this.limits = limits
    this.id = 0 // the core's; made when first needed
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

  // Result: REUSE, CONNECT or WAIT, and what it is about is idOf() of that, until the
  // next call; or a negative code, upon which start() is due: something may have been
  // evicted for it.
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

  // A place past the limits.
  add (key) {
    this.#refresh()
    check(native.add(this.id, key), 'add')
    return results[result.CONN]
  }

  put (id, connection) {
    connections[id & INDEX_MASK] = connection
  }

  // What was just acquired, or handed over, turns out to be of no use: that was no lease.
  reject (id, connection) {
    native.reject(id)
    connection.destroy()
  }

  // Its owner is done with it. Result: it is idle now; else it is no more the owner's,
  // but for remove().
  release (id, connection, mayIdle, idleMs) {
    this.#refresh()
    const answer = native.release(id, mayIdle, idleMs)
    if (debugging) debug('connection %d is free: %s', id, verdictNames[answer])
    if (answer === verdict.IDLE) return true
    if (answer === verdict.HANDOVER) handOver(connection, takeWaiter(results[result.WAITER]))
    else connection.destroy()
    return false
  }

  // Restarts how long one that is idle may be. Result: false where that cannot be kept.
  setIdle (id, idleMs) {
    return native.setIdle(id, idleMs) !== NO_MEMORY
  }

  // A place, and what was put in it, leave the pool: there is room for another.
  remove (id, connection) {
    const index = id & INDEX_MASK
    if (connection !== undefined && connection === connections[index]) {
      connections[index] = undefined
    }
    native.remove(id)
    this.start()
  }

  // To be called after all that makes room. All are taken out of their queue first:
  // what a callback does, or throws, is no matter to those behind.
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

  // [key, id, id, ..., key, ...], for looking in.
  active () { return this.#list(ACTIVE) }
  idle () { return this.#list(IDLE) }
  waiting () { return this.#list(WAITING) }

  #list (what) {
    return this.id === 0 ? [] : native.list(this.id, what)
  }

  total () { return this.id === 0 ? 0 : native.total(this.id) }

  // Undefined where it is still to come.
  connectionAt (id) { return connections[id & INDEX_MASK] }
  waiterAt (id) { return waiters[id & INDEX_MASK] }
}

// How many fit below a limit: Node compares with it. Below NaN there are none where it
// asks whether there are fewer, and any number where it asks whether there are more.
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
    if (starting.length > 0) process.nextTick(startAll) // a listener of somebody's threw
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
