// SPDX-License-Identifier: MIT
//
// req.socket of the fast lane: a real net.Socket, so that everything a stream
// or a socket does is Node's own code, whose handle is not a TCPWrap but a
// CoreHandle: the same methods, answered by the core. What differs is that
// bytes read go to the core's parser and not through the stream, until
// becomeNative() gives the socket a handle of Node's (upgrades, agentRemove).
'use strict'

const net = require('node:net')
const { AsyncResource } = require('node:async_hooks')

const native = require('./binding')
const ring = require('./shared-ring')
const { PendingWrite, lostMemory } = require('./pending-write')
const { NOT_NOW, coreError } = require('./errors')
const {
  lack, mayConnect, accessDenied, tellsDestroyed, idleIsGuarded, writesAsNode
} = require('./host')
const { symbolOf, kConn, kIdle, kHinted, kCore, kExchange, kAssigned } = require('./symbols')

const { record, word, size, uv } = native
const { words, handles, INDEX_MASK } = ring

const SHUTDOWN_DONE = 1 // what shutdown() of Node's handles returns for "done at once"

// Longer strings are made Buffers: the core copies whole what comes as a string.
const STRING_MAX = 16 * 1024

const MANUAL_DESTROY = { requireManualDestroy: true }

// A part of the handle's work, in async_hooks' eyes: started by it.
function workOf (handle, type) {
  return new AsyncResource(type, {
    triggerAsyncId: handle.getAsyncId(),
    requireManualDestroy: true
  })
}

// The stores of AsyncLocalStorage that a resource runs with: in one property since
// 24, before that one for each.
const STORES = ['context_frame', 'kResourceStore']

// A resource that has been replaced runs nothing any more.
function forgetStores (resource) {
  for (const symbol of Object.getOwnPropertySymbols(resource)) {
    if (STORES.includes(symbol.description)) resource[symbol] = undefined
  }
}

// What a handle is from its second request on. Node: lib/_http_agent.js.
class ReusedHandle extends AsyncResource {
  constructor (handle) {
    super(handle.isPipe ? 'PIPEWRAP' : 'TCPWRAP', MANUAL_DESTROY)
    this.handle = handle
  }
}

// Stands in for Node's TCPWrap and PipeWrap. docs/internals.md lists what of
// it net.Socket uses.
class CoreHandle extends AsyncResource {
  constructor (id, isPipe) {
    super(isPipe ? 'PIPEWRAP' : 'TCPWRAP', MANUAL_DESTROY)
    this.id = id
    this.tag = ring.tagOf(id)
    this.isPipe = isPipe
    this.socket = null
    this.resource = this // then a ReusedHandle
    this.reading = false
    this.onread = null
    this.connectRequest = null
    this.attempts = null // at several addresses: lib/connect.js
    this.writing = null // the PendingWrite of which the core has something queued
    this.refused = null // { callback, status } of one that failed while an answer may be there
    this.early = 0 // what a write came to that the stream hears of only now
    this.closing = false
    this.onClosed = null
    this.leave = null // the agent's, for a socket that has closed and is still in the pool
    this.full = false // the body's reader said so; pause after these records
    this.paused = false // by the body's back-pressure
    this.held = false // by socket.pause()
    this.cut = false // closed in the middle of a response
    handles[id & INDEX_MASK] = this
  }

  getAsyncId () { return this.resource.asyncId() }
  getProviderType () { return 0 }

  asyncReset () {
    this.resource.emitDestroy()
    if (this.resource === this) forgetStores(this)
    this.resource = new ReusedHandle(this)
  }

  get fd () { return Math.max(native.fd(this.id), -1) }
  get bytesRead () { return Math.max(native.bytes(this.id, 0), 0) }
  get bytesWritten () { return Math.max(native.bytes(this.id, 1), 0) + this.#unqueued }
  get writeQueueSize () { return Math.max(native.bytes(this.id, 2), 0) + this.#unqueued }

  // What was given to this handle and not to the core yet. Node's has queued it.
  get #unqueued () { return this.writing === null ? 0 : this.writing.left }

  ref () { native.ref(this.id, true) }
  unref () { native.ref(this.id, false) }
  hasRef () { return native.hasRef(this.id) === 1 }
  readStart () { return 0 }
  readStop () { return 0 }
  setNoDelay (on) { return native.noDelay(this.id, on) }

  // Node >= 26 has `interval`, in seconds, and `count`.
  setKeepAlive (on, seconds, interval, count) {
    const status = native.keepAlive(this.id, on, seconds)
    if (status !== 0 || !on || (interval === undefined && count === undefined)) return status
    return native.probes(this.id, interval ?? 0, count ?? 0)
  }

  // Node >= 24.
  setTypeOfService (tos) { return native.setTos(this.id, tos) }
  getTypeOfService () { return native.tos(this.id) }

  getpeername (out) { return this.#name(out, true) }
  getsockname (out) { return this.#name(out, false) }

  #name (out, peer) {
    const name = native.name(this.id, peer)
    if (typeof name === 'number') return name
    out.address = name[0]
    out.port = name[1]
    out.family = name[2]
    return 0
  }

  bind (address, port) {
    return net.isIPv4(address) ? native.bind(this.id, address, port | 0, 0) : uv.EINVAL
  }

  bind6 (address, port, flags) {
    return net.isIPv6(address) ? native.bind(this.id, address, port | 0, flags | 0) : uv.EINVAL
  }

  connect (request, address, port) {
    if (!mayConnect()) return accessDenied(address) // no longer
    request.resource = workOf(this, this.isPipe ? 'PIPECONNECTWRAP' : 'TCPCONNECTWRAP')
    this.connectRequest = request
    if (this.isPipe) return native.dialPipe(this.id, address)
    if (this.attempts !== null) return this.attempts.begin(this.id, port)
    return native.dial(this.id, [address], port, Infinity)
  }

  connect6 (request, address, port) { return this.connect(request, address, port) }

  // Node waits for the FIN to be sent; the core sends it behind what is queued.
  shutdown () {
    workOf(this, 'SHUTDOWNWRAP').emitDestroy()
    const status = native.shutdown(this.id)
    return status === 0 ? SHUTDOWN_DONE : status
  }

  close (callback) { this.#close(callback, false) }

  reset (callback) {
    this.#close(callback, true)
    return 0
  }

  #close (callback, reset) {
    this.onClosed ??= callback ?? null
    if (this.closing) return
    this.closing = true
    if (native.close(this.id, reset) !== 0) {
      setImmediate(() => this.resource.runInAsyncScope(this.closed, this))
    }
  }

  // A callback that throws keeps none of the rest from happening.
  closed () {
    if (handles[this.id & INDEX_MASK] === this) handles[this.id & INDEX_MASK] = undefined
    try {
      this.#wrote(uv.ECANCELED) // which calls somebody's callback
      if (this.refused !== null) wrote.call(this.socket, this.refused.callback, uv.ECANCELED)
    } finally {
      this.resource.emitDestroy()
      this.#tellClosed()
    }
  }

  // Somebody's listener for 'close' may throw before the request's and the agent's.
  #tellClosed () {
    const { socket } = this
    try {
      if (this.onClosed !== null) this.onClosed()
    } finally {
      if (this.leave !== null && socket[kConn] === this.id) process.nextTick(this.leave, socket)
      socket[kExchange]?.close()
    }
  }

  // Writes a Buffer or a string; callback as of _write().
  write (chunk, encoding, callback) {
    if (typeof chunk === 'string') {
      if (chunk.length <= STRING_MAX) {
        if (isLatin1(encoding)) {
          return this.written(native.writeLatin1(this.id, chunk), callback)
        }
        if (encoding === 'utf8' || encoding === 'utf-8') {
          return this.written(native.writeUtf8(this.id, chunk), callback)
        }
      }
      chunk = Buffer.from(chunk, encoding)
    }
    const status = native.writeBuffer(this.id, chunk)
    if (status <= 0) this.written(status, callback)
    else this.#goOn([chunk], status, callback)
  }

  // status: of a native write that takes all there is, or fails.
  written (status, callback) {
    if (status === 0) {
      callback()
    } else if (status > 0) {
      const pending = new PendingWrite([], callback)
      pending.bytes = status
      this.#wait(pending)
    } else {
      this.#failed(status, callback)
    }
  }

  // What _writev() got.
  writev (data, callback) {
    const chunks = plainChunks(data)
    if (chunks.length > size.CHUNKS) {
      if (this.#give(new PendingWrite(chunks, callback))) callback()
      return
    }
    const status = native.writev(this.id, chunks)
    if (status <= 0) this.written(status, callback)
    else this.#goOn(chunks, status, callback)
  }

  // The core has `taken` bytes of the chunks.
  #goOn (chunks, taken, callback) {
    const pending = new PendingWrite(chunks, callback)
    pending.advance(taken)
    this.#wait(pending)
  }

  // Gives the core what it takes. Result: whether that was the rest; if not, it goes
  // on at WROTE, or the callback has been told why not.
  #give (pending) {
    do {
      const part = pending.next()
      if (part === null) {
        pending.callback(lostMemory())
        return false
      }
      const status = native.writev(this.id, part)
      if (status < 0) {
        this.#failed(status, pending.callback)
        return false
      }
      pending.advance(status > 0 ? status : lengthOf(part))
      if (status > 0) {
        this.#wait(pending)
        return false
      }
    } while (pending.left > 0)
    return true
  }

  // Node: _writeGeneric(), for a write that goes on.
  #wait (pending) {
    this.writing = pending
    if (kLastWriteQueueSize !== undefined) this.socket[kLastWriteQueueSize] = pending.bytes
  }

  // Who closes while it is written to may have answered before: what it sent is
  // read first. A connection that is gone has an end, so this does not last.
  #failed (status, callback) {
    const exchange = this.socket[kExchange]
    if ((status === uv.EPIPE || status === uv.ECONNRESET) &&
        exchange !== null && !exchange.req._ended && !this.held) {
      this.refused = { callback, status }
      if (this.paused) this.tellUnread()
    } else {
      callback(coreError(status, 'write'))
    }
  }

  // The connection has ended: no answer comes any more, or not all of it. One that
  // is complete, or that the end completes, is read first.
  tellRefused () {
    const exchange = this.socket[kExchange]
    if (this.refused === null || exchange?.untilClose || exchange?.req.res?.complete) return
    this.#tellRefused()
  }

  // The answer is more than its reader holds, and nobody reads it: he may be waiting
  // for the request to be written, and its end would never come.
  tellUnread () {
    if (this.refused !== null && this.socket[kExchange]?.req.res?.readableFlowing === null) {
      this.#tellRefused()
    }
  }

  #tellRefused () {
    const { callback, status } = this.refused
    this.refused = null
    wrote.call(this.socket, callback, status)
  }

  // Takes what is not sent yet out of the core, for the handle that goes on.
  release () {
    const pending = this.writing
    this.writing = null
    if (pending === null) return null
    return { pending, queued: native.queued(this.id) }
  }

  // The records of a response are its exchange's, all others the handle's own.
  onRecords (at) {
    switch (words[at + word.TYPE]) {
      case record.HEAD:
      case record.DATA:
      case record.END:
      case record.UPGRADE:
      case record.PARSE_ERROR:
      case record.SURPLUS: {
        const exchange = this.socket[kExchange]
        if (exchange !== null && !exchange.failed) exchange.onRecords()
        else ring.take(this.tag)
        return
      }
      case record.CONNECTED:
      case record.ATTEMPT_FAILED:
        return this.connectRequest.resource.runInAsyncScope(onRecord, this)
      default:
        this.resource.runInAsyncScope(onRecord, this)
    }
  }

  read (at) {
    const status = words[at + word.STATUS] | 0
    switch (words[at + word.TYPE]) {
      case record.CONNECTED: return this.#connected(status)
      case record.ATTEMPT_FAILED: return this.attempts.failed(status, words[at + word.FLAGS])
      case record.WROTE: return this.#wrote(status)
      case record.CLOSED: return this.closed()
      case record.RAW: return onRaw.call(this.socket, this, at)
      case record.RETIRE: return retire.call(this.socket, status)
      case record.EOF: return onEnd.call(this.socket)
      case record.READ_ERROR: return onReadError.call(this.socket, status)
    }
  }

  // A record could not be told. Node's destroy() may fail of the same cause.
  lose (type, err) {
    if (type === record.CLOSED) return this.closed()
    const { socket } = this
    if (socket[kExchange] !== null) socket[kExchange].fail(err)
    else socket.destroy(err)
    if (socket._handle !== this) return
    socket._handle = null
    this.close(() => socket.emit('close', true))
  }

  #connected (status) {
    const { attempts, connectRequest: { resource } } = this
    this.attempts = null
    if (attempts !== null && status !== 0) attempts.allFailed()
    else this.#tellConnected(status, attempts)
    resource.emitDestroy()
  }

  // net writes what has waited for it in a listener for 'connect', which does not
  // come about where one before it throws.
  #tellConnected (status, attempts) {
    try {
      afterConnect(this, status, attempts)
    } catch (err) {
      if (this.socket._pendingData) this.socket.destroy()
      throw err
    }
  }

  #wrote (status) {
    const pending = this.writing
    this.writing = null
    if (pending === null) return
    if (status === 0 && pending.left > 0) {
      if (this.#give(pending)) wrote.call(this.socket, pending.callback, 0)
    } else if (status < 0 && !this.socket.destroyed) {
      this.#failed(status, pending.callback)
    } else {
      wrote.call(this.socket, pending.callback, status)
    }
  }
}

function onRecord () {
  const at = ring.take(this.tag)
  if (at !== -1) this.read(at)
}

function afterConnect (handle, status, attempts) {
  if (attempts !== null) attempts.tellPerf()
  const request = handle.connectRequest
  handle.connectRequest = null
  request.oncomplete(status, handle, request, true, true)
}

// Node: onWriteComplete(). Since 22 an error is told of a destroyed socket too.
function wrote (callback, status) {
  if (this.destroyed && (status === 0 || !tellsDestroyed)) return callback(null)
  if (status !== 0) return callback(coreError(status, 'write'))
  this._unrefTimer()
  callback(null)
}

// The core will not lease it again: too old, or the peer spoke or hung up.
function retire (status) {
  if (status === 0 || idleIsGuarded) this.destroy()
  else if (status === uv.EOF) onEnd.call(this)
  else onReadError.call(this, status)
}

// The bytes that the records before were parsed from, for listeners of
// somebody's. What became an upgraded connection's stream comes as that.
function onRaw (handle, at) {
  if (this._handle !== handle) return native.tap(handle.id, false)
  let bytes
  try {
    bytes = ring.recordBody(at)
  } catch (err) { // no memory
    return handle.lose(record.RAW, err)
  }
  if (!this.emit('data', bytes)) native.tap(handle.id, false)
}

// Node: onStreamRead() at the end of the stream.
function onEnd () {
  this._unrefTimer()
  const exchange = this[kExchange]
  if (exchange !== null) exchange.beforeEnd()
  this[kCore].tellRefused()
  if (!this._readableState.endEmitted) {
    this.push(null)
    this.read(0)
    process.nextTick(afterEnd, this) // behind 'end'
  }
}

// A listener for 'end' threw before those that end the socket and its request.
function afterEnd (socket) {
  if (socket._handle === socket[kCore] &&
      (socket[kExchange] !== null || !socket.writableEnded)) socket.destroy()
}

function onReadError (status) {
  const core = this[kCore]
  core.tellRefused()
  if (core.refused === null) this.destroy(coreError(status, 'read'))
  else if (this[kExchange]?.untilClose) this.destroy()
}

const isLatin1 = (encoding) => encoding === 'latin1' || encoding === 'binary'

// What _writev() got, as native.writev() takes it: Buffers and latin1 strings.
function plainChunks (data) {
  const chunks = new Array(data.length)
  for (let i = 0; i < data.length; i++) {
    const { chunk, encoding } = data[i]
    chunks[i] = typeof chunk === 'string' && !(isLatin1(encoding) && chunk.length <= STRING_MAX)
      ? Buffer.from(chunk, encoding)
      : chunk
  }
  return chunks
}

function lengthOf (chunks) {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0)
}

// What _onTimeout() compares with the handle's writeQueueSize, to tell a slow
// write from silence.
const kLastWriteQueueSize = symbolOf(new net.Socket(), 'lastWriteQueueSize')
if (kLastWriteQueueSize === undefined) {
  lack('slow writes that are no silence', 'net.Socket has no lastWriteQueueSize')
}

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
    if (handle.early !== 0) {
      const status = handle.early
      handle.early = 0
      return handle.written(status, callback)
    }
    if (isWritev) handle.writev(data, callback)
    else handle.write(data, encoding, callback)
  }

  // Is the stream idle and its write() nobody else's, for a text of that length?
  mayWriteNow (length) {
    const state = this._writableState
    return length <= STRING_MAX && this._handle === this[kCore] &&
      state.length === 0 && state.corked === 0 &&
      writesAsNode(this) && this.writable && !this.connecting
  }

  // Begins an exchange and writes its whole request, a latin1 string: write(),
  // less the stream's bookkeeping where the kernel takes it all.
  sendNow (text, flags, maxHeaderSize, callback) {
    const handle = this[kCore]
    const status = native.send(handle.id, text, flags, maxHeaderSize)
    if (status === 0) {
      this._unrefTimer()
      process.nextTick(callback, null)
    } else if (status === NOT_NOW) {
      this.destroy() // the server has spoken before it was asked
    } else {
      handle.early = status
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

  // The stream reads nothing while the core does: who listens for data gets
  // the bytes of responses from there.
  #tap () {
    const handle = this._handle
    if (handle instanceof CoreHandle) native.tap(handle.id, true)
  }

  // Programs ask for the 'data' listener that Node has on a socket until a
  // response is complete: node-fetch 2 tells by it one that was cut off.
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
    if (handle instanceof CoreHandle) {
      handle.held = true
      native.pause(handle.id, true)
    }
    return super.pause()
  }

  resume () {
    const handle = this._handle
    if (handle instanceof CoreHandle) {
      handle.held = false
      if (!handle.paused) native.pause(handle.id, false)
    }
    return super.resume()
  }

  // The response's reader is full.
  pauseBody () {
    const handle = this[kCore]
    if (!handle.paused) {
      handle.paused = true
      native.pause(handle.id, true)
      handle.tellUnread()
    }
  }

  // It wants more, and does not ask whether somebody has paused the socket.
  resumeBody () {
    const handle = this[kCore]
    handle.full = false
    if (handle.paused || handle.held) {
      handle.paused = false
      handle.held = false
      native.pause(handle.id, false)
    }
  }

  resetAndDestroy () {
    if (!(this._handle instanceof CoreHandle)) return super.resetAndDestroy()
    if (this.connecting) this.once('connect', () => this._reset())
    else this._reset()
    return this
  }

  // Gives this socket a handle of Node's for the same connection: from here on
  // it is a socket like any other. What the core has not sent of a write goes on
  // there; the rest of what was given to the stream is behind that.
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
    const unsent = core.release()
    countOn(handle, 'bytesRead', bytesRead)
    countOn(handle, 'bytesWritten', bytesWritten - writeQueueSize)
    this._handle = handle
    if (!core.hasRef()) handle.unref()
    core.close()
    core.tellRefused()
    // The stream believes that a read is under way since it connected.
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

// Stands for Node's listener of that name; the core reads instead.
function socketOnData () {}

function isParsing (socket) {
  if (socket._hadError) return false
  const exchange = socket[kExchange]
  return exchange !== null ? !exchange.req.res?.complete : socket[kCore].cut
}

// Makes a counter of a handle of Node's go on from `start`.
function countOn (handle, name, start) {
  const { get } = Object.getOwnPropertyDescriptor(counters(handle, name), name)
  Object.defineProperty(handle, name, { get () { return start + get.call(this) } })
}

function counters (handle, name) {
  return Object.hasOwn(handle, name) ? handle : counters(Object.getPrototypeOf(handle), name)
}

module.exports = { Socket, CoreHandle }
