// SPDX-License-Identifier: MIT
//
// IncomingMessage of the fast lane: Node's, except that its headers are made from the head's
// text when they are read, and that a read resumes the core.
'use strict'

const http = require('node:http')

const { cutsHeaders } = require('./host')
const { kCore } = require('./symbols')

const kText = Symbol('hawser.headText')
const kRaw = Symbol('hawser.rawHeaders')
const kHinted = Symbol('hawser.hasKeepAlive')
const kMaxStrings = Symbol('hawser.maxHeaderStrings')

const HEADERS = Object.getOwnPropertyDescriptor(http.IncomingMessage.prototype, 'headers')
const DISTINCT = Object.getOwnPropertyDescriptor(http.IncomingMessage.prototype, 'headersDistinct')

// A head with more strings than this reaches Node's JavaScript in batches. Node collects
// them up to the limit, before 22 whole batches until the limit is reached. A smaller head
// is passed on whole, and only `headers` is limited.
const BATCH = 2 * 31
const collected = cutsHeaders ? (max) => max : (max) => Math.ceil(max / BATCH) * BATCH

// "reason\nname\nvalue\nname\nvalue": no line break can be in a part.
function split (text) {
  const list = text.split('\n')
  list.shift()
  return list
}

function addLines (message, list, maxStrings) {
  let count = list.length
  if (maxStrings > 0 && count > maxStrings) {
    if (count > BATCH) list.length = Math.min(count, collected(maxStrings))
    count = maxStrings
  }
  message._addHeaderLines(list, count)
}

function decode (message) {
  const list = split(message[kText])
  message[kText] = null
  // _addHeaderLines() treats lines after the end as trailers.
  const complete = message.complete
  message.complete = false
  addLines(message, list, message[kMaxStrings])
  message.complete = complete
}

class IncomingMessage extends http.IncomingMessage {
  constructor (socket) {
    super(socket)
    this[kText] = null
    this[kHinted] = false
    this[kMaxStrings] = 0
  }

  // maxStrings: names and values to keep, as in Node's parser; 0: no limit. hinted: there
  // is a Keep-Alive header.
  setHead (text, maxStrings, hinted) {
    const end = text.indexOf('\n')
    this.statusMessage = end === -1 ? text : text.slice(0, end)
    this[kText] = text
    this[kHinted] = hinted
    this[kMaxStrings] = maxStrings
  }

  setTrailers (text, maxStrings) {
    if (this[kText] !== null) decode(this)
    const list = split(text)
    if (maxStrings > 0 && list.length > maxStrings) {
      list.length = Math.min(list.length, collected(maxStrings))
    }
    this.complete = true // so that they are not treated as headers
    this._addHeaderLines(list, list.length)
  }

  get rawHeaders () {
    if (this[kText] !== null) decode(this)
    return this[kRaw]
  }

  set rawHeaders (list) {
    this[kRaw] = list
  }

  get headers () {
    if (this[kText] !== null) decode(this)
    return HEADERS.get.call(this)
  }

  set headers (value) {
    HEADERS.set.call(this, value)
  }

  get headersDistinct () {
    if (this[kText] !== null) decode(this)
    return DISTINCT.get.call(this)
  }

  set headersDistinct (value) {
    DISTINCT.set.call(this, value)
  }

  // Node: IncomingMessage.prototype._read, without resuming the socket, which carries no
  // stream here.
  _read () {
    if (!this._consuming) {
      this._readableState.readingMore = false
      this._consuming = true
    }
    if (this.socket !== null) this.socket[kCore].resumeBody()
  }
}

// Users inspect res.constructor.
Object.defineProperty(IncomingMessage.prototype, 'constructor', {
  value: http.IncomingMessage, writable: true, configurable: true
})

// A parameter of a Keep-Alive header: a name, and perhaps a value, which may be quoted.
const PARAMETER = /([^\s=,;"]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*)))?/g

// The smallest `timeout` of a Keep-Alive header in seconds, or undefined.
function timeoutOf (header) {
  let least
  for (const [, name, quoted, plain] of header.matchAll(PARAMETER)) {
    if (name.toLowerCase() !== 'timeout') continue
    const digits = /^\s*\d+/.exec(quoted ?? plain ?? '')
    if (digits !== null && !(least <= Number(digits[0]))) least = Number(digits[0])
  }
  return least
}

// A server sends the same value with each response.
let lastHeader = ''
let lastTimeout

// How long the server keeps an idle connection, in seconds, from the Keep-Alive header of a
// response, hawser's or Node's. Called for each response that makes its connection idle;
// most have no such header, and are not decoded for it.
function keepAliveHint (message) {
  const unread = message[kText] !== null && message[kText] !== undefined
  if (unread && !message[kHinted]) return undefined
  const header = message.headers['keep-alive']
  if (!header) return undefined
  if (header !== lastHeader) {
    lastHeader = header
    lastTimeout = timeoutOf(String(header))
  }
  return lastTimeout
}

module.exports = { IncomingMessage, keepAliveHint }
