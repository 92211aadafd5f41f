// SPDX-License-Identifier: MIT
//
// One request and its response on a socket of the fast lane: does with records what Node's
// _http_client.js does with a parser and listeners. Functions have the names of the
// functions of Node that they follow, and the same order of events.
'use strict'

const http = require('node:http')
const diagnostics = require('node:diagnostics_channel')
const { AsyncResource } = require('node:async_hooks')
const { finished } = require('node:stream')

const native = require('./binding')
const ring = require('./shared-ring')
const { MANUAL_DESTROY } = require('./async-ids')
const { IncomingMessage } = require('./incoming')
const { endEntry } = require('./perf-entry')
const { NOT_NOW, connReset, parseError, coreError } = require('./errors')
const { isLenient, assignsAtOnce } = require('./host')
const {
  symbolOf, kAgent, kConn, kIdle, kCore, kExchange, kAssigned, kNext
} = require('./symbols')

const { record, word, flag, begins } = native
const { words } = ring

const errorChannel = diagnostics.channel('http.client.request.error')
const finishChannel = diagnostics.channel('http.client.response.finish')

// Node: MAX_HEADER_PAIRS, which have two strings each.
const MAX_HEADER_STRINGS = 2000

// Node >= 24: detaches the response's abort signal from the socket.
const kDetachAbortSignal = symbolOf(http.IncomingMessage.prototype, 'kDetachAbortSignal')

// A resource as Node's response parser is one: async_hooks sees its creation and its end.
class Exchange extends AsyncResource {
  constructor (req, socket) {
    super('HTTPCLIENTREQUEST', MANUAL_DESTROY)
    this.req = req
    this.socket = socket
    this.id = socket[kCore].id
    this.tag = socket[kCore].tag
    this.untilClose = false
    this.lost = false // part of it could not be delivered
    this.listensForEnd = false
    this.tellsTimeout = false // by a listener of the response's
  }

  // Delivers the next records of the ring, as long as they are this connection's.
  onRecords () {
    this.runInAsyncScope(deliver, this)
  }

  // Part of the response could not be delivered: it must not end normally, whatever else has
  // arrived.
  lose (err) {
    this.lost = true
    if (this.req.res?.complete) return this.socket.destroy() // it was complete before
    this.untilClose = false
    this.socket.destroy(err)
  }

  // The socket has closed with the request on it. If a listener throws, the rest is still
  // done. Node: socketCloseListener().
  close () {
    const { req, socket, untilClose } = this
    const { res } = req
    if (!res?.complete) socket[kCore].cut = true
    endExchange(socket)
    req.destroyed = true
    try {
      if (!res) hangUp(req, socket)
      else if (!res.complete) res.destroy(connReset('aborted'))
    } finally {
      try {
        end(req)
      } finally {
        if (res) {
          if (!res.aborted && res.readable) res.push(null)
          if (untilClose) res.complete = true // Node: parser.finish()
        }
        if (req.outputData) req.outputData.length = 0
      }
    }
  }

  // The peer has closed its side; the socket's 'end' comes next. An idle socket has no
  // listener of hawser's for it, and a request hardly ever needs one.
  beforeEnd () {
    if (!this.listensForEnd) this.socket.prependOnceListener('end', socketOnEnd)
  }
}

function endExchange (socket) {
  const exchange = socket[kExchange]
  if (exchange === null) return // closed while the response was still being read
  exchange.emitDestroy()
  if (exchange.listensForEnd) socket.removeListener('end', socketOnEnd)
  socket[kExchange] = null
}

function deliver () {
  const { socket, tag } = this
  socket._unrefTimer()
  for (let at = ring.take(tag); at !== -1; at = ring.take(tag)) {
    switch (words[at + word.TYPE]) {
      case record.HEAD: onHead(this, at); break
      case record.DATA: onData(this, at); break
      case record.END: onEnd(this, at); break
      case record.UPGRADE: onUpgrade(this, at); break
      case record.PARSE_ERROR: onParseError(this, at); break
      case record.SURPLUS: socket.destroy(); break
      default:
        ring.putBack() // it belongs to the handle
        return pauseIfFull(this)
    }
    if (this.lost) return // the rest is skipped
  }
  pauseIfFull(this)
}

// Only now: most bodies end in the records that filled the reader, and stopping and
// resuming the reads costs two system calls.
function pauseIfFull ({ req, socket }) {
  if (socket[kCore].full && !req.res?.complete) socket[kCore].pauseBody()
}

// The result of make(exchange, at), which processes a record before any code of the user is
// called. Without memory the request fails, and the result is null.
function made (exchange, make, at) {
  try {
    return make(exchange, at)
  } catch (err) {
    exchange.lose(err)
    return null
  }
}

const bodyOf = (_, at) => ring.recordBody(at)

// Node: parserOnHeadersComplete().
function makeResponse ({ req, socket, id }, at) {
  const status = words[at + word.STATUS]
  const flags = words[at + word.FLAGS]
  const res = new IncomingMessage(socket)
  res.httpVersionMajor = (status >>> 16) & 255
  res.httpVersionMinor = status >>> 24
  res.httpVersion = (status >>> 16) === 0x0101 ? '1.1' : `${res.httpVersionMajor}.${res.httpVersionMinor}`
  res.joinDuplicateHeaders = req.joinDuplicateHeaders
  res.upgrade = (flags & flag.UPGRADE) !== 0
  res.statusCode = status & 0xffff
  res.setHead(ring.recordText(at, id), maxStrings(req), (flags & flag.HINT) !== 0)
  return res
}

// Node: parserOnIncomingClient().
function onHead (exchange, at) {
  const { req, socket } = exchange
  const flags = words[at + word.FLAGS]
  const res = made(exchange, makeResponse, at)
  if (res === null) return
  if ((flags & flag.INFO) !== 0) return onInformation(req, res)
  req.res = res
  exchange.untilClose = (flags & flag.UNTIL_CLOSE) !== 0
  if (res.upgrade) return // UPGRADE follows
  if (req.shouldKeepAlive && (flags & flag.KEEP_ALIVE) === 0 && !req.upgradeOrConnect) {
    req.shouldKeepAlive = false
  }
  endEntry(req, res)
  if (finishChannel.hasSubscribers) finishChannel.publish({ request: req, response: res })
  res.req = req
  res.on('end', responseOnEnd)
  if (!req.writableFinished) req.on('finish', requestOnFinish)
  if (req.timeoutCb || socket[kAgent] === null) tellTimeout(exchange)
  if (req.aborted || !req.emit('response', res)) res._dump()
  if (res.statusCode === 304 && req.method !== 'HEAD') res.complete = true
}

function maxStrings (req) {
  return typeof req.maxHeadersCount === 'number' ? req.maxHeadersCount << 1 : MAX_HEADER_STRINGS
}

function onInformation (req, res) {
  if (res.statusCode === 100) req.emit('continue')
  req.emit('information', {
    statusCode: res.statusCode,
    statusMessage: res.statusMessage,
    httpVersion: res.httpVersion,
    httpVersionMajor: res.httpVersionMajor,
    httpVersionMinor: res.httpVersionMinor,
    headers: res.headers,
    rawHeaders: res.rawHeaders
  })
}

// Node: parserOnBody().
function onData (exchange, at) {
  const { res } = exchange.req
  if (res === null || res._dumped) return
  const chunk = made(exchange, bodyOf, at)
  if (chunk !== null && !res.push(chunk)) exchange.socket[kCore].full = true
}

function takeTrailers ({ req, id }, at) {
  req.res.setTrailers(ring.recordText(at, id), maxStrings(req))
}

// Node: parserOnMessageComplete().
function onEnd (exchange, at) {
  const { req, socket } = exchange
  const { res } = req
  if (res !== null) {
    if (words[at + word.TEXT_LEN] !== 0 && made(exchange, takeTrailers, at) === null) return
    res.complete = true
    res.push(null)
  }
  socket[kCore].resumeBody()
}

// Node: socketOnData(), for a tunnel or an upgraded connection.
function onUpgrade (exchange, at) {
  const { req, socket } = exchange
  if (socket.destroyed) return
  const head = made(exchange, bodyOf, at)
  if (head === null) return
  const { res } = req
  const event = req.method === 'CONNECT' ? 'connect' : 'upgrade'
  socket.removeListener('drain', ondrain)
  if (req.timeoutCb) {
    socket.removeListener('timeout', req.timeoutCb)
    socket.removeListener('timeout', responseOnTimeout)
  }
  if (req.listenerCount(event) === 0) {
    socket.destroy()
    return
  }
  req.upgradeOrConnect = true
  endExchange(socket)
  socket.emit('agentRemove')
  unlisten(socket) // it may have left before
  socket._httpMessage = null
  socket.becomeNative()
  socket.readableFlowing = null
  try {
    req.emit(event, res, socket, head)
  } finally {
    req.destroyed = true
    end(req)
  }
}

function makeParseError ({ id }, at) {
  return parseError(ring.recordText(at, id), words[at + word.STATUS], ring.recordBody(at))
}

function onParseError (exchange, at) {
  const { req, socket } = exchange
  const err = made(exchange, makeParseError, at)
  if (err === null) return
  socket.removeListener('drain', ondrain)
  socket.destroy()
  fail(req, socket, err)
}

function ondrain () {
  const req = this._httpMessage
  if (req && !req.finished && req.writableNeedDrain) {
    clearNeedDrain(req)
    req.emit('drain')
  }
}

// req[kNeedDrain] is Node's; writableNeedDrain shows it.
let kNeedDrain = null
function clearNeedDrain (req) {
  kNeedDrain ??= symbolOf(req, 'kNeedDrain')
  req[kNeedDrain] = false
}

// An exchange learns of its socket's end through two listeners, which stay on it.
function listen (socket) {
  socket.on('error', onError)
  socket.on('close', onClose)
}

function unlisten (socket) {
  socket.removeListener('error', onError)
  socket.removeListener('close', onClose)
}

const OWN_CLOSE = 2 // listeners for 'close': the agent's and the one above

// Node adds its own again for each request, after those that the user has added to the
// connection since.
function listenLast (socket) {
  const { close, error, end } = socket._events // cheaper than three counts
  if (!Array.isArray(close) || close.length !== OWN_CLOSE || typeof error !== 'function') {
    unlisten(socket)
    listen(socket)
  }
  if (typeof end !== 'function') { // which is net's own
    socket[kExchange].listensForEnd = true
    socket.on('end', socketOnEnd)
  }
}

// -- how a request ends: one 'error' at most, and 'close' ----------------------

// Emits its 'error'; Node records on the socket that there was one. socket null: it never
// had one. The end of the socket gives it the first cause, and 'close' comes when the socket
// has closed.
function fail (req, socket, err) {
  if (socket !== null) {
    if (socket._hadError) return // Node emits a second one on some
    socket._hadError = true
  }
  if (errorChannel.hasSubscribers) errorChannel.publish({ request: req, error: err })
  req.emit('error', err)
}

function hangUp (req, socket) {
  fail(req, socket, connReset('socket hang up'))
}

function end (req) {
  req._closed = true
  req.emit('close')
}

function onError (err) {
  const req = this._httpMessage
  if (this[kExchange] || (req && !req.destroyed)) socketFailed(this, req, err)
  else onIdleError.call(this)
}

function onClose () {
  if (this[kExchange]) this[kExchange].close()
}

// Node: freeSocketErrorListener().
function onIdleError () {
  this.destroy()
  if (this[kConn] !== undefined) this.emit('agentRemove')
}

// Node: socketErrorListener().
function socketFailed (socket, req, err) {
  try {
    fail(req, socket, err)
  } finally {
    if (socket[kExchange]?.untilClose) finishMessage(req.res) // Node: parser.finish()
    socket.destroy()
  }
}

function finishMessage (res) {
  if (res.complete) return
  res.complete = true
  res.push(null)
}

function socketOnEnd () {
  const req = this._httpMessage
  try {
    if (req && !req.res) hangUp(req, this)
  } finally {
    this.destroy()
  }
}

// Added only if the request has a timeout. If the user sets the socket's timeout later, the
// agent's own listener does this, as long as the socket belongs to the agent.
function responseOnTimeout () {
  this._httpMessage?.res?.emit('timeout')
}

function tellTimeout (exchange) {
  exchange.tellsTimeout = true
  exchange.socket.on('timeout', responseOnTimeout)
}

function responseKeepAlive (req) {
  const { socket } = req
  if (req.timeoutCb) {
    socket.setTimeout(0, req.timeoutCb)
    req.timeoutCb = null
  }
  endExchange(socket)
  // Not before: an upload may continue after an early response. Node no longer emits 'drain'
  // then, and the upload waits forever.
  socket.removeListener('drain', ondrain)
  process.nextTick(emitFreeNT, req)
  req.destroyed = true
  if (req.res) req.res.socket = null
  letGo(socket)
}

// Turns a socket that has left the agent by 'agentRemove' into one of Node's, as soon as it
// is connected and no request needs it on the fast lane.
function letGo (socket) {
  const exchange = socket[kExchange]
  if (exchange?.req.res && !exchange.req._ended && !exchange.tellsTimeout) tellTimeout(exchange)
  if (socket[kAgent] !== null || socket._handle !== socket[kCore] || isTaken(socket)) return
  unlisten(socket)
  if (socket.connecting) socket.prependOnceListener('connect', onConnectLetGo)
  else socket.becomeNative()
}

function onConnectLetGo () {
  letGo(this)
}

function responseOnEnd () {
  const { req } = this
  const { socket } = req
  if (socket && req.timeoutCb) socket.removeListener('timeout', req.timeoutCb)
  if (socket && (req.timeoutCb || socket[kAgent] === null)) {
    socket.removeListener('timeout', responseOnTimeout)
  }
  if (kDetachAbortSignal !== undefined) this[kDetachAbortSignal]()
  req._ended = true
  if (socket?.[kCore].refused) {
    socket.destroy() // the response is complete; the request never will be
  } else if (!req.shouldKeepAlive) {
    if (socket.writable) socket.destroySoon()
  } else if (req.writableFinished && !this.aborted) {
    responseKeepAlive(req)
  }
}

// The whole response came before the request was written.
function requestOnFinish () {
  if (this.shouldKeepAlive && this._ended && !this.destroyed) responseKeepAlive(this)
}

// The connection may have ended after the response, and closed the request, before the user
// continued reading; Node then emits 'close' again.
function emitFreeNT (req) {
  try {
    if (!req._closed) end(req)
  } finally {
    if (req.socket) tellFree(req.socket)
  }
}

function tellFree (socket) {
  try {
    socket.emit('free')
  } catch (err) {
    // The agent may not know it.
    if (socket[kAgent] !== null && !socket[kIdle] && !isTaken(socket)) socket.destroy()
    throw err
  }
}

// Has a request got the socket, or will it on the next tick?
function isTaken (socket) {
  return Boolean(socket[kExchange] || socket[kAssigned] || socket[kNext])
}

function emitRequestTimeout () {
  this._httpMessage?.emit('timeout')
}

function listenSocketTimeout (req) {
  if (req.timeoutCb) return
  req.timeoutCb = emitRequestTimeout
  req.socket.once('timeout', emitRequestTimeout)
}

function beginFlags (req) {
  let flags = 0
  if (req.method === 'HEAD') flags |= begins.HEAD
  else if (req.method === 'CONNECT') flags |= begins.CONNECT
  if (req.httpValidation !== undefined) {
    if (req.httpValidation === 'insecure') flags |= begins.LENIENT
    else if (req.httpValidation === 'relaxed') flags |= begins.RELAXED
  } else if (req.insecureHTTPParser ?? isLenient()) {
    flags |= begins.LENIENT
  }
  return flags
}

// The error with which req was destroyed. Node keeps it under a symbol of its own.
let kError = null
function destroyedWith (req) {
  kError ??= symbolOf(req, 'kError') ?? null
  return kError === null ? undefined : req[kError]
}

// req was destroyed before it had its socket, which can serve another request.
// Node: onSocketNT().
function giveUp (req, socket) {
  if (!socket.destroyed) {
    try {
      tellFree(socket)
      letGo(socket)
    } finally {
      endUnsent(req, destroyedWith(req))
    }
  } else {
    finished(socket, (err) => {
      if (err?.code === 'ERR_STREAM_PREMATURE_CLOSE') err = null
      endUnsent(req, err ?? destroyedWith(req))
    })
  }
}

function endUnsent (req, err) {
  try {
    if (err) fail(req, null, err)
    else if (!req.aborted) hangUp(req, null)
  } finally {
    end(req)
  }
}

// A socket of Node's, or one of hawser's that was destroyed while it was made: since 24 Node
// adds its own listener for 'error' at once.
function assignNative (req, socket) {
  if (assignsAtOnce && socket[kCore] !== undefined) unlisten(socket)
  socket[kAssigned] = true
  req.onSocket(socket)
  process.nextTick(flushNative, req, socket)
}

// Node does not send a request whose listener for 'socket' threw.
function flushNative (req, socket) {
  socket[kAssigned] = false
  if (req.socket === socket && req.outputData.length > 0 && !req.destroyed) req._flush()
}

// Gives req its socket, on the next tick. Node: ClientRequest.onSocket().
function assign (req, socket) {
  if (assignsAtOnce) socket._httpMessage = req
  if (socket[kAgent] === null) { // it has left the agent and has no listener
    unlisten(socket)
    listen(socket)
  }
  socket[kAssigned] = true
  process.nextTick(onSocketNT, req, socket)
}

function onSocketNT (req, socket) {
  socket[kAssigned] = false
  if (req.destroyed) return giveUp(req, socket)
  req.socket = socket
  socket._httpMessage = req
  socket[kExchange] = new Exchange(req, socket)
  listenLast(socket)
  if (!req.finished) socket.on('drain', ondrain)
  if (req.timeout !== undefined || req.agent?.options?.timeout) listenSocketTimeout(req)
  try {
    req.emit('socket', socket)
  } finally {
    flush(req, socket)
  }
}

// Node: OutgoingMessage._flush(). Nearly every request is complete by now, and in one piece:
// it then bypasses the stream's buffer.
function flush (req, socket) {
  const flags = beginFlags(req)
  const maxHeaderSize = req.maxHeaderSize || http.maxHeaderSize
  const { outputData } = req
  if (req.finished && outputData.length === 1 && outputData[0].encoding === 'latin1' &&
      socket.mayWriteNow(outputData[0].data.length)) {
    const { data, callback } = outputData[0]
    req.outputData = []
    req.outputSize = 0
    socket.sendNow(data, flags, maxHeaderSize, callback)
    req._finish()
  } else {
    const status = native.begin(socket[kCore].id, flags, maxHeaderSize)
    if (status === NOT_NOW) return socket.destroy() // closed, or unrequested bytes
    if (status !== 0) return socket.destroy(coreError(status, 'write'))
    req._flush()
  }
}

module.exports = { assign, assignNative, isTaken, letGo, listen, onIdleError }
