// SPDX-License-Identifier: MIT
//
// All that depends on this Node: its version, what it was started with, and
// what a program has put in the place of Node's own functions. Where Node does
// more on the way to a connection than the core can, the reason is told here
// and the connection is Node's.
'use strict'

const { EventEmitter } = require('node:events')
const http = require('node:http')
const net = require('node:net')

const { debug } = require('./diagnostics')
const { symbolOf } = require('./symbols')

// -- what Node does since when ------------------------------------------------

const [major, minor] = process.versions.node.split('.').map(Number)

// Node's agent destroys an idle socket at whatever is read on it; before, an idle
// socket ends or fails like any other.
const idleIsGuarded = major > 24 || (major === 24 && minor >= 17) || (major === 22 && minor >= 23)

// A write's error is told of a destroyed socket too.
const tellsDestroyed = major >= 22

// A head of many headers is cut at the limit, and not at the end of a batch.
const cutsHeaders = major >= 22

// A socket is its request's at once, and what happens to it before the next tick the
// request's matter: since 24.
const assignsAtOnce = /_httpMessage/.test(http.ClientRequest.prototype.onSocket)

// -- the permission model -----------------------------------------------------

// Undefined where the process was not started with it. Node's own until somebody
// with native code changes that; its property cannot be written.
const { permission } = process

// A Node without a scope for the network says no when it is asked for it, and
// lets everybody connect.
const hasNetScope = permission !== undefined && process.allowedNodeEnvironmentFlags.has('--allow-net')

/** May this process connect now? It may give the permission up at any time. */
function mayConnect () {
  return !hasNetScope || permission.has('net')
}

/** What connect() of Node's handles gives where it may not. */
function accessDenied (address) {
  return Object.assign(
    new Error('Access to this API has been restricted. Use --allow-net to manage permissions.'),
    { code: 'ERR_ACCESS_DENIED', permission: 'Net', resource: address })
}

// -- what is relied on --------------------------------------------------------

/** What this Node does not let us do, for capabilities(). */
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

// What the fast lane could not do without, by name (docs/internals.md).
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

// A request's head that only a lenient parser takes. It does not end, so that no
// request comes of it.
const LENIENT_ONLY = Buffer.from('GET / HTTP/1.1\r\na: \x01\r\n')

// What Node's server parses with, and whether it takes LENIENT_ONLY. Its client
// takes its parsers from the same place.
function askServer () {
  const server = new http.Server()
  const connection = new EventEmitter() // a stream would leave ticks behind
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

// Is all that an object inherits, but from Object (another realm's, maybe), written
// in C++?
function inheritsNative (object) {
  const prototype = Object.getPrototypeOf(object)
  if (Object.getPrototypeOf(prototype) === null) return true
  return Object.values(Object.getOwnPropertyDescriptors(prototype)).every(({ value, get }) => {
    const method = value ?? get
    return typeof method !== 'function' || NATIVE_CODE.test(textOf(method))
  }) && inheritsNative(prototype)
}

// Why a parser of the core's may not take the place of Node's, or null, and whether
// Node's is lenient where the request does not say. Who replaces Node's
// (http-parser-js) does it before http is loaded, so the answer is final; and it is
// asked for at load, before a program's async_hooks would see it. Where it is lenient
// Node warns of that, as at a first request.
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

// Node's own function, taken when this was loaded; null if it was replaced before.
// What replaced it would not name what only Node's file knows.
const nodesOwn = (value, inside) =>
  typeof value === 'function' && inside.test(textOf(value)) ? value : null

// Taken now: a program may put another Agent in its place later, this one too.
const agentOfNode = http.Agent.prototype

const ownOnSocket = nodesOwn(http.ClientRequest.prototype.onSocket, /\bonSocketNT\b/)
const ownConnect = nodesOwn(net.createConnection, /\bnormalizeArgs\(/)
const ownCreateConnection =
  nodesOwn(agentOfNode.createConnection, /\bcheckShouldUseProxy\(|\bnormalizeArgs\(/)

// Since 22 Node's agent looks it up in net each time.
const looksUpConnect = ownCreateConnection !== null &&
  /\bnet\.createConnection\(/.test(textOf(ownCreateConnection))

const ownAddRequest = nodesOwn(agentOfNode.addRequest, /\basyncResetHandle\(/)

// Duplex's and net.Socket's, which a request that is written at once goes past.
const ownWrite = nodesOwn(net.Socket.prototype.write, /\b_write\(this,/)
const ownSingle = nodesOwn(net.Socket.prototype._write, /\bthis\._writeGeneric\(/)

/** Does nobody want to see what is written to the socket? */
function writesAsNode (socket) {
  return socket.write === ownWrite && socket._write === ownSingle
}

/** What is wrapped around addRequest() of Node's Agent, or null. */
function aroundAddRequest () {
  return agentOfNode.addRequest === ownAddRequest ? null : agentOfNode.addRequest
}

/** May an exchange of ours take the place of req.onSocket()? */
function hasNodesOnSocket (req) {
  return req.onSocket === ownOnSocket
}

// -- the answer ---------------------------------------------------------------

let final = null // the part of it that does not change

/** Why no connection may be the core's now, or null. */
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

/** Is what makes the agent's connections Node's, for http? */
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
