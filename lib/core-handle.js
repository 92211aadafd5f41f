// SPDX-License-Identifier: MIT
//
// The handle of a socket of the fast lane: replaces Node's TCPWrap and PipeWrap, and is
// implemented by the core. net.Socket calls it as it calls those. The ring gives it the
// records of its connection: those of a response go to the exchange, and it reports all
// others to the socket. It treats the socket as a net.Socket that has an exchange;
// lib/socket.js makes both.
'use strict'

const net = require('node:net')
const { AsyncResource } = require('node:async_hooks')

const native = require('./binding')
const ring = require('./shared-ring')
const { MANUAL_DESTROY, typeOf, workOf, nextResource } = require('./async-ids')
const { PendingWrite, plainChunks, lengthOf, isLatin1, lostMemory, STRING_MAX } =
  require('./pending-write')
const { NOT_NOW, coreError } = require('./errors')
const { lack, mayConnect, accessDenied, tellsDestroyed, idleIsGuarded } = require('./host')
const { symbolOf, kConn, kExchange } = require('./symbols')

const { record, word, size, uv } = native
const { words, handles, INDEX_MASK } = ring

const SHUTDOWN_DONE = 1 // what shutdown() of Node's handles returns for "done at once"

// _onTimeout() compares this with the handle's writeQueueSize, to distinguish a slow write
// from silence.
const kLastWriteQueueSize = symbolOf(new net.Socket(), 'lastWriteQueueSize')
if (kLastWriteQueueSize === undefined) {
  lack('slow writes that are no silence', 'net.Socket has no lastWriteQueueSize')
}

// docs/internals.md lists what net.Socket uses of a handle.
class CoreHandle extends AsyncResource {
  constructor (id, isPipe) {
    super(typeOf(isPipe), MANUAL_DESTROY)
    this.id = id
    this.tag = ring.tagOf(id)
    this.isPipe = isPipe
    this.socket = null
    this.resource = this // from its second request on, another one
    this.reading = false
    this.onread = null
    this.connectRequest = null
    this.attempts = null // with several addresses: lib/connect.js
    this.pending = null // the PendingWrite of which the core has queued a part
    this.refused = null // { callback, status } of one that failed while a response may have arrived
    this.early = 0 // the result of a send() that the stream has not been given yet
    this.closing = false
    this.onClosed = null
    this.leave = null // the agent's, for a socket that has closed and is still in the pool
    this.full = false // the body's reader is full; pause after these records
    this.paused = false // by the body's back-pressure
    this.held = false // by socket.pause()
    this.cut = false // closed in the middle of a response
    handles[id & INDEX_MASK] = this
  }

  getAsyncId () { return this.resource.asyncId() }
  getProviderType () { return 0 }

  asyncReset () {
    this.resource = nextResource(this)
  }

  get fd () { return Math.max(native.fd(this.id), -1) }
  get bytesRead () { return Math.max(native.bytes(this.id, 0), 0) }
  get bytesWritten () { return Math.max(native.bytes(this.id, 1), 0) + this.#unqueued }
  get writeQueueSize () { return Math.max(native.bytes(this.id, 2), 0) + this.#unqueued }

  // What this handle got and the core has not yet; a handle of Node's has queued it.
  get #unqueued () { return this.pending === null ? 0 : this.pending.left }

  ref () { native.ref(this.id, true) }
  unref () { native.ref(this.id, false) }
  hasRef () { return native.hasRef(this.id) === 1 }
  readStart () { return 0 }
  readStop () { return 0 }

  // socket.pause() and resume().
  hold () {
    this.held = true
    if (this.refused === null) native.pause(this.id, true)
  }

  unhold () {
    this.held = false
    if (!this.paused) native.pause(this.id, false)
  }

  // The response's reader is full.
  pauseBody () {
    if (!this.paused && this.refused === null) {
      this.paused = true
      native.pause(this.id, true)
    }
  }

  // The reader wants more, even if the user has paused the socket.
  resumeBody () {
    this.full = false
    if (this.paused || this.held) {
      this.paused = false
      this.held = false
      native.pause(this.id, false)
    }
  }

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

  // Node waits until the FIN is sent; the core sends it after the queued bytes.
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

  // A callback that throws must not prevent the rest.
  closed () {
    if (handles[this.id & INDEX_MASK] === this) handles[this.id & INDEX_MASK] = undefined
    try {
      this.#onWrote(uv.ECANCELED) // which calls a user's callback
      if (this.refused !== null) this.#tell(this.refused.callback, uv.ECANCELED)
    } finally {
      this.resource.emitDestroy()
      this.#tellClosed()
    }
  }

  // A user's 'close' listener may throw before the request's and the agent's.
  #tellClosed () {
    const { socket } = this
    try {
      if (this.onClosed !== null) this.onClosed()
    } finally {
      if (this.leave !== null && socket[kConn] === this.id) process.nextTick(this.leave, socket)
      socket[kExchange]?.close()
    }
  }

  // Begins an exchange and writes its whole request, a latin1 string. Result: 0; NOT_NOW; or
  // another result, which the next write(), of the same string, gives to the stream.
  send (text, flags, maxHeaderSize) {
    const status = native.send(this.id, text, flags, maxHeaderSize)
    if (status !== 0 && status !== NOT_NOW) this.early = status
    return status
  }

  // Writes a Buffer or a string; callback as of _write().
  write (chunk, encoding, callback) {
    if (this.early !== 0) {
      const status = this.early
      this.early = 0
      return this.#settle(status, callback)
    }
    if (typeof chunk === 'string') {
      if (chunk.length <= STRING_MAX) {
        if (isLatin1(encoding)) {
          return this.#settle(native.writeLatin1(this.id, chunk), callback)
        }
        if (encoding === 'utf8' || encoding === 'utf-8') {
          return this.#settle(native.writeUtf8(this.id, chunk), callback)
        }
      }
      chunk = Buffer.from(chunk, encoding)
    }
    const status = native.writeBuffer(this.id, chunk)
    if (status <= 0) this.#settle(status, callback)
    else this.#goOn([chunk], status, callback)
  }

  // status: of a native write that takes everything, or fails.
  #settle (status, callback) {
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

  // The chunks of _writev().
  writev (data, callback) {
    const chunks = plainChunks(data)
    if (chunks.length > size.CHUNKS) {
      if (this.#give(new PendingWrite(chunks, callback))) callback()
      return
    }
    const status = native.writev(this.id, chunks)
    if (status <= 0) this.#settle(status, callback)
    else this.#goOn(chunks, status, callback)
  }

  // The core has `taken` bytes of the chunks.
  #goOn (chunks, taken, callback) {
    const pending = new PendingWrite(chunks, callback)
    pending.advance(taken)
    this.#wait(pending)
  }

  // Gives the core what it accepts. Result: whether that was everything; if not, it continues
  // at WROTE, or the callback has got the error.
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

  // Node: _writeGeneric(), for a write that continues.
  #wait (pending) {
    this.pending = pending
    if (kLastWriteQueueSize !== undefined) this.socket[kLastWriteQueueSize] = pending.bytes
  }

  // A peer that closes while the request is being written may have responded before. What it
  // sent is read first, even if the reader is full, because its user may be waiting for the
  // request to be written. The connection has ended, so the amount is bounded.
  #failed (status, callback) {
    const exchange = this.socket[kExchange]
    if ((status === uv.EPIPE || status === uv.ECONNRESET) &&
        exchange !== null && !exchange.req._ended && !this.held) {
      this.refused = { callback, status }
      if (this.paused) this.resumeBody()
    } else {
      callback(coreError(status, 'write'))
    }
  }

  // The connection has ended: no response will come, or only a part of it. One that is
  // complete, or that the end completes, is read first.
  tellRefused () {
    const exchange = this.socket[kExchange]
    if (this.refused === null || exchange?.untilClose || exchange?.req.res?.complete) return
    const { callback, status } = this.refused
    this.refused = null
    this.#tell(callback, status)
  }

  // Node: onWriteComplete(). Since 22 an error is reported for a destroyed socket too.
  #tell (callback, status) {
    const { socket } = this
    if (socket.destroyed && (status === 0 || !tellsDestroyed)) return callback(null)
    if (status !== 0) return callback(coreError(status, 'write'))
    socket._unrefTimer()
    callback(null)
  }

  // Takes the unsent bytes out of the core, for the handle that continues.
  takeUnsent () {
    const pending = this.pending
    this.pending = null
    if (pending === null) return null
    return { pending, queued: native.queued(this.id) }
  }

  // The records of a response belong to its exchange, all others to the handle.
  onRecords (at) {
    switch (words[at + word.TYPE]) {
      case record.HEAD:
      case record.DATA:
      case record.END:
      case record.UPGRADE:
      case record.PARSE_ERROR:
      case record.SURPLUS: {
        const exchange = this.socket[kExchange]
        if (exchange !== null && !exchange.lost) exchange.onRecords()
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
      case record.WROTE: return this.closing ? undefined : this.#onWrote(status)
      case record.CLOSED: return this.closed()
      case record.RAW: return this.#onRaw(at)
      case record.RETIRE: return this.#retire(status)
      case record.EOF: return this.#onEnd()
      case record.READ_ERROR: return this.#onReadError(status)
    }
  }

  // A record could not be delivered. Node's destroy() may fail for the same reason.
  lose (type, err) {
    if (type === record.CLOSED) return this.closed()
    const { socket } = this
    if (socket[kExchange] !== null) socket[kExchange].lose(err)
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

  // net sends the waiting writes in a listener for 'connect', which is not called if an
  // earlier listener throws.
  #tellConnected (status, attempts) {
    try {
      afterConnect(this, status, attempts)
    } catch (err) {
      if (this.socket._pendingData) this.socket.destroy()
      throw err
    }
  }

  // Writes in flight when the handle is closed end with it: closed() reports that, as libuv
  // does.
  #onWrote (status) {
    const pending = this.pending
    this.pending = null
    if (pending === null) return
    if (status === 0 && pending.left > 0) {
      if (this.#give(pending)) this.#tell(pending.callback, 0)
    } else if (status < 0 && !this.socket.destroyed) {
      this.#failed(status, pending.callback)
    } else {
      this.#tell(pending.callback, status)
    }
  }

  // The core will not lease it again: it was idle for too long, or the peer sent bytes or
  // closed.
  #retire (status) {
    if (status === 0 || idleIsGuarded) this.socket.destroy()
    else if (status === uv.EOF) this.#onEnd()
    else this.#onReadError(status)
  }

  // The bytes from which the previous records were parsed, for the user's listeners. Bytes of
  // an upgraded connection come through its stream instead.
  #onRaw (at) {
    const { socket } = this
    if (socket._handle !== this) return native.tap(this.id, false)
    let bytes
    try {
      bytes = ring.recordBody(at)
    } catch (err) { // no memory
      return this.lose(record.RAW, err)
    }
    if (!socket.emit('data', bytes)) native.tap(this.id, false)
  }

  // Node: onStreamRead() at the end of the stream.
  #onEnd () {
    const { socket } = this
    socket._unrefTimer()
    const exchange = socket[kExchange]
    if (exchange !== null) exchange.beforeEnd()
    this.tellRefused()
    if (!socket._readableState.endEmitted) {
      socket.push(null)
      socket.read(0)
      process.nextTick(afterEnd, this) // after 'end'
    }
  }

  #onReadError (status) {
    const { socket } = this
    this.tellRefused()
    socket.destroy(this.refused === null ? coreError(status, 'read') : undefined)
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

// A listener for 'end' threw before the ones that end the socket and its request.
function afterEnd (handle) {
  const { socket } = handle
  if (socket._handle === handle &&
      (socket[kExchange] !== null || !socket.writableEnded)) socket.destroy()
}

module.exports = { CoreHandle }
