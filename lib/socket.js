// SPDX-License-Identifier: MIT
//
// req.socket of the fast lane: a real net.Socket, so that everything a stream or a socket
// does is Node's own code. Its handle is not a TCPWrap but a CoreHandle: the same methods,
// implemented by the core. The difference is that received bytes go to the core's parser and
// not through the stream, until becomeNative() gives the socket a handle of Node's (upgrades,
// agentRemove).
'use strict'

const net = require('node:net')

const native = require('./binding')
const { CoreHandle } = require('./core-handle')
const { lostMemory, STRING_MAX } = require('./pending-write')
const { NOT_NOW, coreError } = require('./errors')
const { writesAsNode } = require('./host')
const { kConn, kIdle, kHinted, kCore, kExchange, kAssigned } = require('./symbols')

class Socket extends net.Socket {
  constructor (options, id) {
    const handle = new CoreHandle(id, Boolean(options.path))
    super({ ...options, handle, manualStart: true, signal: undefined })
    handle.socket = this
    this[kCore] = handle
    this[kConn] = id
    this[kExchange] = null
    this[kAssigned] = false
    this[kIdle] = false
    this[kHinted] = -1
    this.parser = null // where Node keeps its HTTPParser
    const status = native.open(id, handle.isPipe)
    if (status !== 0) {
      this.destroy()
      throw coreError(status, 'open')
    }
  }

  _writeGeneric (isWritev, data, encoding, callback) {
    const handle = this._handle
    if (this.connecting || !(handle instanceof CoreHandle)) {
      return super._writeGeneric(isWritev, data, encoding, callback)
    }
    this._pendingData = null
    this._pendingEncoding = ''
    this._unrefTimer()
    if (isWritev) handle.writev(data, callback)
    else handle.write(data, encoding, callback)
  }

  // Is the stream idle and its write() Node's own, for a text of that length?
  mayWriteNow (length) {
    const state = this._writableState
    return length <= STRING_MAX && this._handle === this[kCore] &&
      state.length === 0 && state.corked === 0 &&
      writesAsNode(this) && this.writable && !this.connecting
  }

  // Begins an exchange and writes its whole request, a latin1 string: as write(), but without
  // the stream's bookkeeping if the kernel accepts everything.
  sendNow (text, flags, maxHeaderSize, callback) {
    const status = this[kCore].send(text, flags, maxHeaderSize)
    if (status === 0) {
      this._unrefTimer()
      process.nextTick(callback, null)
    } else if (status === NOT_NOW) {
      this.destroy() // the server has sent bytes before the request
    } else {
      this.write(text, 'latin1', callback)
    }
  }

  on (name, listener) {
    if (name === 'data') this.#tap()
    return super.on(name, listener)
  }

  addListener (name, listener) {
    return this.on(name, listener)
  }

  prependListener (name, listener) {
    if (name === 'data') this.#tap()
    return super.prependListener(name, listener)
  }

  // The stream reads nothing while the core does: a listener for 'data' gets the bytes of
  // responses from the core.
  #tap () {
    const handle = this._handle
    if (handle instanceof CoreHandle) native.tap(handle.id, true)
  }

  // Programs look for the 'data' listener that Node has on a socket until a response is
  // complete: node-fetch 2 uses it to detect a truncated response.
  listenerCount (name, listener) {
    const count = super.listenerCount(name, listener)
    return name === 'data' && listener === undefined && isParsing(this) ? count + 1 : count
  }

  listeners (name) {
    const list = super.listeners(name)
    if (name === 'data' && isParsing(this)) list.unshift(socketOnData)
    return list
  }

  pause () {
    const handle = this._handle
    if (handle instanceof CoreHandle) handle.hold()
    return super.pause()
  }

  resume () {
    const handle = this._handle
    if (handle instanceof CoreHandle) handle.unhold()
    return super.resume()
  }

  resetAndDestroy () {
    if (!(this._handle instanceof CoreHandle)) return super.resetAndDestroy()
    if (this.connecting) this.once('connect', () => this._reset())
    else this._reset()
    return this
  }

  // Gives this socket a handle of Node's for the same connection: from here on it is an
  // ordinary socket. The unsent part of a write continues there, followed by the rest of what
  // the stream has.
  becomeNative () {
    const core = this._handle
    if (!(core instanceof CoreHandle)) return
    const fd = native.dup(core.id)
    if (fd < 0) return this.destroy(coreError(fd, 'dup'))
    const donor = new net.Socket({ fd, manualStart: true })
    const handle = donor._handle
    const owner = Object.getOwnPropertySymbols(handle).find((key) => handle[key] === donor)
    donor._handle = null
    handle[owner] = this
    const { bytesRead, bytesWritten, writeQueueSize } = core
    const unsent = core.takeUnsent()
    countOn(handle, 'bytesRead', bytesRead)
    countOn(handle, 'bytesWritten', bytesWritten - writeQueueSize)
    this._handle = handle
    if (!core.hasRef()) handle.unref()
    core.close()
    core.tellRefused()
    // The stream has considered a read to be in progress since it connected.
    handle.reading = true
    const status = handle.readStart()
    if (status !== 0) this.destroy(coreError(status, 'read'))
    else if (unsent !== null) this.#writeRest(unsent)
  }

  #writeRest ({ pending, queued }) {
    if (typeof queued === 'number') return pending.callback(coreError(queued, 'write'))
    const rest = pending.rest()
    if (rest === null) return pending.callback(lostMemory())
    const data = [queued, ...rest].map((chunk) => ({ chunk, encoding: 'latin1' }))
    super._writeGeneric(true, data, '', pending.callback)
  }
}

// Stands for Node's listener of that name; the core reads in its place.
function socketOnData () {}

function isParsing (socket) {
  if (socket._hadError) return false
  const exchange = socket[kExchange]
  return exchange !== null ? !exchange.req.res?.complete : socket[kCore].cut
}

// Makes a counter of a handle of Node's continue from `start`.
function countOn (handle, name, start) {
  const { get } = Object.getOwnPropertyDescriptor(counters(handle, name), name)
  Object.defineProperty(handle, name, { get () { return start + get.call(this) } })
}

function counters (handle, name) {
  return Object.hasOwn(handle, name) ? handle : counters(Object.getPrototypeOf(handle), name)
}

module.exports = { Socket }
