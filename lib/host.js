// SPDX-License-Identifier: MIT
//
// Everything that depends on this Node: its version, its options, and which of Node's own
// functions a program has replaced. If Node does more on the way to a connection than the
// core can, this file gives the reason, and the connection is Node's.
'use strict'

const { EventEmitter } = require('node:events')
const http = require('node:http')
const net = require('node:net')

const { debug } = require('./diagnostics')
const { symbolOf } = require('./symbols')

// -- differences between versions of Node -------------------------------------

const [major, minor] = process.versions.node.split('.').map(Number)

// Node's agent destroys an idle socket on any read; before, an idle socket ends or fails
// like any other.
const idleIsGuarded = major > 24 || (major === 24 && minor >= 17) || (major === 22 && minor >= 23)

// The error of a write is reported for a destroyed socket too.
const tellsDestroyed = major >= 22

// A head of many headers is cut at the limit, and not at the end of a batch.
const cutsHeaders = major >= 22

// Since 24 a socket belongs to its request at once, and what happens to it before the next
// tick affects the request.
const assignsAtOnce = /_httpMessage/.test(http.ClientRequest.prototype.onSocket)

// -- the permission model -----------------------------------------------------

// Undefined if the process was not started with it. Its property is read-only, so only
// native code could replace it.
const { permission } = process

// A Node without a scope for the network answers no when asked about it, but allows every
// connection.
const hasNetScope = permission !== undefined && process.allowedNodeEnvironmentFlags.has('--allow-net')

/** May this process connect now? It may drop the permission at any time. */
function mayConnect () {
  return !hasNetScope || permission.has('net')
}

/** The error of connect() of Node's handles without the permission. */
function accessDenied (address) {
  return Object.assign(
    new Error('Access to this API has been restricted. Use --allow-net to manage permissions.'),
    { code: 'ERR_ACCESS_DENIED', permission: 'Net', resource: address })
}

// -- required internals -------------------------------------------------------

/** Features that this Node does not allow, for capabilities(). */
const lacking = []

function lack (what, why) {
  lacking.push(`${what}: ${why}`)
  debug('lacking: %s: %s', what, why)
}

/** Why the core serves nothing in this environment, or null; `checked`: its check of llhttp. */
function whyNotHere (checked) {
  const version = String(process.versions.llhttp)
  const [major, minor] = version.split('.').map(Number)
  if (process.env.HAWSER_LANE === 'node') return 'HAWSER_LANE=node'
  // llhttp's settings have had their present layout since 9.3.
  if (major !== 9 || minor < 3) return `llhttp ${version} is not 9.3 to 9.x`
  return checked ? null : 'the check of llhttp at load failed'
}

// What the fast lane requires, by name (docs/internals.md).
function necessities () {
  const socket = net.Socket.prototype
  const incoming = http.IncomingMessage.prototype
  const outgoing = new http.OutgoingMessage()
  const destroyed = {}
  http.ClientRequest.prototype.destroy.call(destroyed)
  return {
    'net._normalizeArgs': net._normalizeArgs,
    'Socket._unrefTimer': socket._unrefTimer,
    'Socket._writeGeneric': socket._writeGeneric,
    'IncomingMessage._addHeaderLines': incoming._addHeaderLines,
    'IncomingMessage._dump': incoming._dump,
    'getter of IncomingMessage.headers': getterOf(incoming, 'headers'),
    'getter of IncomingMessage.headersDistinct': getterOf(incoming, 'headersDistinct'),
    'OutgoingMessage._flush': outgoing._flush,
    'OutgoingMessage._finish': outgoing._finish,
    'OutgoingMessage.outputData': outgoing.outputData,
    kNeedDrain: symbolOf(outgoing, 'kNeedDrain'),
    kError: symbolOf(destroyed, 'kError')
  }
}

function getterOf (object, name) {
  return Object.getOwnPropertyDescriptor(object, name)?.get
}

function whyNotNecessities () {
  try {
    const found = Object.entries(necessities()).find(([, value]) => value === undefined)
    return found === undefined ? null : `this Node has no ${found[0]}`
  } catch (err) {
    return `this Node cannot be examined: ${err.message}`
  }
}

// -- the parser ---------------------------------------------------------------

// A request head that only a lenient parser accepts. It is incomplete, so that it makes no
// request.
const LENIENT_ONLY = Buffer.from('GET / HTTP/1.1\r\na: \x01\r\n')

// The parser of Node's server, and whether it accepts LENIENT_ONLY. Node's client gets its
// parsers from the same place.
function askServer () {
  const server = new http.Server()
  const connection = new EventEmitter() // a stream would leave ticks
  let lenient = true
  server.on('clientError', () => { lenient = false })
  // Not emit(): tracers wrap that.
  for (const listener of server.listeners('connection')) listener.call(server, connection)
  const { parser } = connection
  connection.emit('data', LENIENT_ONLY)
  connection.emit('close')
  return { parser, lenient }
}

const NATIVE_CODE = /\{ \[native code\] \}$/
const textOf = (value) => Function.prototype.toString.call(value)

// Is everything that an object inherits, except from Object (perhaps of another realm),
// written in C++?
function inheritsNative (object) {
  const prototype = Object.getPrototypeOf(object)
  if (Object.getPrototypeOf(prototype) === null) return true
  return Object.values(Object.getOwnPropertyDescriptors(prototype)).every(({ value, get }) => {
    const method = value ?? get
    return typeof method !== 'function' || NATIVE_CODE.test(textOf(method))
  }) && inheritsNative(prototype)
}

// Why the core's parser may not replace Node's, or null, and whether Node's is lenient if
// the request does not say. A replacement (http-parser-js) is installed before http is
// loaded, so the answer is final. This runs at load, before a program's async_hooks could
// see it. If the parser is lenient, Node warns about it, as at a first request.
function askParser () {
  try {
    const { parser, lenient } = askServer()
    return { reason: inheritsNative(parser) ? null : "the HTTP parser is not Node's own", lenient }
  } catch (err) {
    return { reason: `the HTTP parser cannot be asked: ${err.message}`, lenient: false }
  }
}

const asked = askParser()

/** Are responses parsed leniently where the request does not say? */
function isLenient () {
  return asked.lenient
}

// -- functions that programs replace ------------------------------------------

// Node's own function, read when this file is loaded; null if it was replaced before. A
// replacement would not contain names that are private to Node's file.
const nodesOwn = (value, inside) =>
  typeof value === 'function' && inside.test(textOf(value)) ? value : null

// Read now: the program, or hawser/register, may replace it later.
const agentOfNode = http.Agent.prototype

const ownOnSocket = nodesOwn(http.ClientRequest.prototype.onSocket, /\bonSocketNT\b/)
const ownConnect = nodesOwn(net.createConnection, /\bnormalizeArgs\(/)
const ownCreateConnection =
  nodesOwn(agentOfNode.createConnection, /\bcheckShouldUseProxy\(|\bnormalizeArgs\(/)

// Since 22 Node's agent reads it from net each time.
const looksUpConnect = ownCreateConnection !== null &&
  /\bnet\.createConnection\(/.test(textOf(ownCreateConnection))

const ownAddRequest = nodesOwn(agentOfNode.addRequest, /\basyncResetHandle\(/)

// Duplex's and net.Socket's, which a request that is written at once bypasses.
const ownWrite = nodesOwn(net.Socket.prototype.write, /\b_write\(this,/)
const ownSingle = nodesOwn(net.Socket.prototype._write, /\bthis\._writeGeneric\(/)

/** Is the socket written with Node's own functions, so that no wrapper must see it? */
function writesAsNode (socket) {
  return socket.write === ownWrite && socket._write === ownSingle
}

/** The wrapper of addRequest() of Node's Agent, or null. */
function aroundAddRequest () {
  return agentOfNode.addRequest === ownAddRequest ? null : agentOfNode.addRequest
}

/** May hawser's exchange replace req.onSocket()? */
function hasNodesOnSocket (req) {
  return req.onSocket === ownOnSocket
}

// -- the answer ---------------------------------------------------------------

let final = null // the part of it that does not change

/** Why the core may make no connection now, or null. */
function whyNotNow () {
  final ??= { reason: whyNotNecessities() ?? asked.reason }
  if (final.reason !== null) return final.reason
  if (!mayConnect()) return 'the permission model forbids the network'
  if (!hasNodesOnSocket(http.ClientRequest.prototype)) {
    return "ClientRequest.prototype.onSocket is not Node's own"
  }
  if (looksUpConnect && net.createConnection !== ownConnect) {
    return "net.createConnection is not Node's own"
  }
  return null
}

/** Is the agent's createConnection() Node's own, that of http? */
function hasNodesCreateConnection (agent) {
  return agent.createConnection === ownCreateConnection
}

module.exports = {
  idleIsGuarded,
  tellsDestroyed,
  cutsHeaders,
  assignsAtOnce,
  lacking,
  lack,
  whyNotHere,
  mayConnect,
  accessDenied,
  isLenient,
  aroundAddRequest,
  hasNodesOnSocket,
  hasNodesCreateConnection,
  writesAsNode,
  whyNotNow
}
