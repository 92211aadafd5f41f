// SPDX-License-Identifier: MIT
//
// From a name to a dial, for a socket of the fast lane: what Node's net.js does in
// createConnection(), lookupAndConnect() and, with several addresses, in
// internalConnectMultiple(). Called by the agent. The core tries the addresses; the events
// that Node emits for each attempt are emitted here.
'use strict'

const dns = require('node:dns')
const net = require('node:net')

const native = require('./binding')
const { Socket } = require('./socket')
const { connectError, aggregateError, invalidAddress } = require('./errors')
const { mayConnect, accessDenied } = require('./host')
const { symbolOf, kCore } = require('./symbols')

const { ADDRESSES } = native.size // the most that one dial() takes
const ATTEMPT_TIMEOUT_MIN = 10 // ms; Node: lookupAndConnectMultiple()

// Node: net.createConnection(). id: the pool's, for the coming connection.
function connect (options, id) {
  const socket = new Socket(options, id)
  try {
    if (options.timeout) socket.setTimeout(options.timeout)
    const normalized = net._normalizeArgs([options])
    const { path, lookup } = options
    if (!path && (lookup === undefined || lookup === null || typeof lookup === 'function')) {
      normalized[0] = { ...options, lookup: lookupAll(socket, options) }
    }
    return socket.connect(normalized)
  } catch (err) {
    socket.destroy()
    throw err
  }
}

// Wraps a look-up so that Node gets only the first of several addresses and connects to
// it; the core then tries all of them, one after the other. If a look-up calls back again,
// nothing is done.
function lookupAll (socket, options) {
  const lookup = options.lookup ?? dns.lookup
  return (host, lookupOptions, callback) => {
    let answered = false
    lookup(host, lookupOptions, (err, found, family) => {
      if (answered) return
      answered = true
      try {
        if (!err && !isAnswer(found, lookupOptions.all)) callback(invalidAddress(found))
        else if (err || !lookupOptions.all || !socket.connecting) callback(err, found, family)
        else connectSeveral(socket, options, host, found, callback)
      } catch (error) { // a listener for 'lookup' threw, so nothing connects
        if (socket.connecting && socket[kCore].connectRequest === null) socket.destroy()
        throw error
      }
    })
  }
}

// Node accepts any value here, and throws in the look-up's callback.
function isAnswer (found, all) {
  if (typeof found === 'string') return true
  return Boolean(all) && Array.isArray(found) && found.length > 0 &&
    found.every((item) => typeof item === 'object' && item !== null)
}

// Node: lookupAndConnectMultiple(): each address once per family that the look-up returns,
// with alternating families, beginning with that of the first address. It must be all that
// Node would try: if Node tries several itself, it replaces the CoreHandle with its own.
function usable (found, blockList) {
  if (!Array.isArray(found)) return []
  const groups = { 4: [], 6: [] }
  let first
  for (const item of found) {
    const { address, family } = item
    if (!net.isIP(address) || (family !== 4 && family !== 6) ||
        blockList?.check(address, `ipv${family}`)) continue
    if (groups[family].every((other) => other.address !== address)) groups[family].push(item)
    first ??= family
  }
  const out = []
  for (let i = 0; i < Math.max(groups[4].length, groups[6].length); i++) {
    if (groups[first][i] !== undefined) out.push(groups[first][i])
    if (groups[10 - first][i] !== undefined) out.push(groups[10 - first][i])
  }
  return out.slice(0, ADDRESSES)
}

function connectSeveral (socket, options, host, found, callback) {
  const addresses = usable(found, socket.blockList)
  if (addresses.length < 2 || !mayConnect()) return callback(null, found)
  const timeout = Math.max(options.autoSelectFamilyAttemptTimeout ??
    net.getDefaultAutoSelectFamilyAttemptTimeout(), ATTEMPT_TIMEOUT_MIN)
  socket[kCore].attempts = new Attempts(socket, addresses, timeout)
  // Node emits 'lookup' for every address before it tries the first. Here it does so for the
  // one that it gets, and connects at once: the others are emitted after that event.
  const first = found.indexOf(addresses[0])
  const tell = ({ address, family }) => {
    if (socket.connecting) socket.emit('lookup', null, address, family, host)
  }
  found.slice(0, first).forEach(tell)
  if (!socket.connecting) return
  socket.once('lookup', () => {
    found.slice(first + 1).forEach(tell)
    socket.autoSelectFamilyAttemptedAddresses = []
  })
  callback(null, [addresses[0]])
}

// Several addresses, which the core tries in turn. CoreHandle starts it and passes the
// results on.
class Attempts {
  constructor (socket, addresses, timeout) {
    this.socket = socket
    this.addresses = addresses
    this.timeout = timeout
    this.port = 0
    this.errors = [] // of failed attempts
  }

  // Result: of the dial.
  begin (id, port) {
    this.port = port
    this.#tried(this.addresses[0].address)
    return native.dial(id, this.addresses.map(({ address }) => address), port, this.timeout)
  }

  #tried (address) {
    this.socket.autoSelectFamilyAttemptedAddresses.push(`${address}:${this.port}`)
  }

  // Node: internalConnectMultiple() and afterConnectMultiple().
  failed (status, index) {
    const { socket, addresses, port } = this
    const { address, family } = addresses[index]
    const err = connectError(status, address, port)
    this.errors.push(err)
    const next = addresses[index + 1]
    // All but the last have the core's time limit, which is far below the kernel's.
    if (next !== undefined && err.code === 'ETIMEDOUT') {
      socket.emit('connectionAttemptTimeout', address, port, family)
    } else {
      socket.emit('connectionAttemptFailed', address, port, family, err)
    }
    if (next !== undefined && !socket.destroyed) {
      if (!mayConnect()) return socket.destroy(accessDenied(next.address)) // no longer
      socket.emit('connectionAttempt', next.address, port, next.family)
      this.#tried(next.address)
    }
  }

  allFailed () {
    const { socket } = this
    if (socket.destroyed) return
    socket.connecting = false
    socket.destroy(aggregateError(this.errors))
  }

  // Node: afterConnectMultiple(). It begins the entry for a PerformanceObserver only now, for
  // the connected address; internalConnect() has begun one for the first.
  tellPerf () {
    const { socket, addresses, errors } = this
    const entry = socket[symbolOf(socket, 'kPerfHooksNetConnectContext')]
    if (entry === undefined) return
    entry.startTime = performance.now()
    entry.detail.host = addresses[errors.length].address
  }
}

module.exports = { connect }
