// SPDX-License-Identifier: MIT
//
// One request and its response on a socket of the fast lane: what Node's
// _http_client.js does with a parser and listeners, done with records. The
// functions bear the names of Node's that they follow; the order of events is
// theirs.
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

// Node >= 24: the response's abort signal lets go of the socket.
const kDetachAbortSignal = symbolOf(http.IncomingMessage.prototype, 'kDetachAbortSignal')

// As Node's parser of a response is one: async_hooks sees it made and destroyed.
class Exchange extends AsyncResource {
  constructor (req, socket) {
    super('HTTPCLIENTREQUEST', MANUAL_DESTROY)
    this.req = req
    this.socket = socket
    this.id = socket[kCore].id
    this.tag = socket[kCore].tag
    this.untilClose = false
    this.lost = false // something of it could not be told
    this.listensForEnd = false
    this.tellsTimeout = false // the response, by a listener of its own
  }

  // Delivers the records that are next in the ring and this connection's.
  onRecords () {
    this.runInAsyncScope(deliver, this)
  }

  // Something that came for the response could not be told: it must not end well,
  // whatever else has come.
  lose (err) {
    this.lost = true
    if (this.req.res?.complete) return this.socket.destroy() // that went well before
    this.untilClose = false
    this.socket.destroy(err)
  }

  // The socket has closed with the request on it. Whatever a listener throws, the
  // rest is told. Node: socketCloseListener().
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

  // The peer has closed its side; the socket's 'end' comes next. An idle socket
  // has no listener of ours for it, and a request hardly ever needs one.
  beforeEnd () {
    if (!this.listensForEnd) this.socket.prependOnceListener('end', socketOnEnd)
  }
}

function endExchange (socket) {
  const exchange = socket[kExchange]
  if (exchange === null) return // closed while the response was still read
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
        ring.putBack() // the handle's
        return pauseIfFull(this)
    }
    if (this.lost) return // what is left is passed over
  }
  pauseIfFull(this)
}

// Only now: most bodies end in the records that filled the reader, and a stop
// and start of reading costs two system calls.
function pauseIfFull ({ req, socket }) {
  if (socket[kCore].full && !req.res?.complete) socket[kCore].pauseBody()
}

// What make(exchange, at) makes of a record before anything of the user's is called.
// Where memory is short the request fails, and null is the result.
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

// An exchange hears of its socket's end by two listeners, which stay on it.
function listen (socket) {
  socket.on('error', onError)
  socket.on('close', onClose)
}

function unlisten (socket) {
  socket.removeListener('error', onError)
  socket.removeListener('close', onClose)
}

const OWN_CLOSE = 2 // listeners for 'close': the agent's and the one above

// Node adds its own anew for each request, behind what somebody has added to
// the connection since.
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

// Its 'error', of which Node keeps on its socket that there was one; null: it never had
// a socket. What brings the socket's end tells it of the first cause, and 'close' comes
// when the socket has closed.
function fail (req, socket, err) {
  if (socket !== null) {
    if (socket._hadError) return // Node tells some of a second one
    socket._hadError = true
  }
  if (errorChannel.hasSubscribers) errorChannel.publish({ request: req, error: err })
  req.emit('error', err)
}

function hangUp (req, socket) {
  if (!socket?._hadError) fail(req, socket, connReset('socket hang up'))
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

// Added only where a timeout was asked for; the agent's own listener does it
// for a socket whose timeout somebody sets later, while it is the agent's.
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
  // Not before: an upload may go on behind an early response. Node stops
  // telling it then, and it waits for ever.
  socket.removeListener('drain', ondrain)
  process.nextTick(emitFreeNT, req)
  req.destroyed = true
  if (req.res) req.res.socket = null
  letGo(socket)
}

// Makes a socket that an 'agentRemove' has taken out of the agent one of Node's, as
// soon as it is connected and no request needs it where it is.
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
    socket.destroy() // all of the answer is there; the request never will be
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

// The connection may have ended behind the response, and closed the request,
// before the user read on; Node emits 'close' again then.
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
    // The agent may not have heard of it.
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

// What req was destroyed with. Node keeps it under a symbol of its own.
let kError = null
function destroyedWith (req) {
  kError ??= symbolOf(req, 'kError') ?? null
  return kError === null ? undefined : req[kError]
}

// req was given up before it had its socket, which is good for another one.
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

// One of Node's, or of ours that was destroyed while it was made: Node has its
// own listener for 'error' on it at once since 24.
function assignNative (req, socket) {
  if (assignsAtOnce && socket[kCore] !== undefined) unlisten(socket)
  socket[kAssigned] = true
  req.onSocket(socket)
  process.nextTick(flushNative, req, socket)
}

// Node forgets to send a request whose listener for 'socket' threw.
function flushNative (req, socket) {
  socket[kAssigned] = false
  if (req.socket === socket && req.outputData.length > 0 && !req.destroyed) req._flush()
}

// Gives req its socket, on the next tick. Node: ClientRequest.onSocket().
function assign (req, socket) {
  if (assignsAtOnce) socket._httpMessage = req
  if (socket[kAgent] === null) { // it has left the agent, and nobody listens
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

// Node: OutgoingMessage._flush(). Nearly every request is all there by now, and
// in one piece: that goes past the stream's buffer.
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
    if (status === NOT_NOW) return socket.destroy() // closed, or the server has spoken unasked
    if (status !== 0) return socket.destroy(coreError(status, 'write'))
    req._flush()
  }
}

module.exports = { assign, assignNative, isTaken, letGo, listen, onIdleError }
