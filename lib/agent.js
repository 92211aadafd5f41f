// SPDX-License-Identifier: MIT
//
// The Agent: http.Agent's surface over the core's pool. The pool decides which
// connection a request gets, or that it waits; here the verdicts are acted on,
// for both lanes alike.
'use strict'

const http = require('node:http')
const net = require('node:net')
const { AsyncResource } = require('node:async_hooks')

const native = require('./binding')
const ring = require('./ring')
const exchange = require('./exchange')
const { Socket } = require('./socket')
const { coreError } = require('./errors')
const { validateAgentOptions, typeError } = require('./options')
const { poolView } = require('./pool-view')
const {
  kAgent, kConn, kOptions, kCore, kExchange, kNext, kEntry, kWaiting, kWaitOptions
} = require('./symbols')

const { verdict, register } = native
const { handles, registers, INDEX_MASK } = ring

const FREE_SOCKET_TIMEOUT = 4000 // ms; below Node's server default of 5 s
const KEEP_ALIVE_BUFFER = 1000 // ms; Node: agentKeepAliveTimeoutBuffer

const kPool = Symbol('hawser.pool')
const kLimits = Symbol('hawser.limits')
const kViews = Symbol('hawser.views')
const kOnRead = Symbol('hawser.onread')

// Taken now: a program may put another Agent in its place later, this one too.
const BaseAgent = http.Agent
const baseGetName = BaseAgent.prototype.getName
const baseCreateConnection = BaseAgent.prototype.createConnection

// By index of an id: the socket of a connection that is in a pool, and the
// request that waits.
const sockets = []
const waiting = []

function Agent (options) {
  if (!(this instanceof Agent)) return new Agent(options)
  validateAgentOptions(options)
  this[kPool] = 0
  this[kLimits] = null
  this[kViews] = null
  BaseAgent.call(this, { ...options, keepAlive: options?.keepAlive ?? true })
  this.agentKeepAliveTimeoutBuffer ??= options?.agentKeepAliveTimeoutBuffer ?? KEEP_ALIVE_BUFFER
  this.freeSocketTimeout = options?.freeSocketTimeout ?? FREE_SOCKET_TIMEOUT
  this.removeAllListeners('free') // Node's bookkeeping; ours is the core's
  this.on('free', onFree)
}
Object.setPrototypeOf(Agent.prototype, BaseAgent.prototype)
Object.setPrototypeOf(Agent, BaseAgent)

// -- looking in ---------------------------------------------------------------

function view (agent, what, table) {
  agent[kViews] ??= [null, null, null]
  agent[kViews][what] ??= poolView(() => agent[kPool], what, (id) => table[id & INDEX_MASK])
  return agent[kViews][what]
}

// Node assigns these in its constructor; they have nothing to set here.
function ignore () {}

Object.defineProperties(Agent.prototype, {
  sockets: { get () { return view(this, 0, sockets) }, set: ignore, configurable: true },
  freeSockets: { get () { return view(this, 1, sockets) }, set: ignore, configurable: true },
  requests: { get () { return view(this, 2, waiting) }, set: ignore, configurable: true },
  totalSocketCount: {
    get () { return this[kPool] === 0 ? 0 : native.total(this[kPool]) },
    set: ignore,
    configurable: true
  }
})

/** 'fast': requests of this agent go through the core; 'node': through net. */
Object.defineProperty(Agent.prototype, 'lane', {
  get () { return isFast(this, this.options) ? 'fast' : 'node' },
  configurable: true
})

/** Closes every connection, active or idle, as http.Agent does it. */
Agent.prototype.destroy = function destroy () {
  for (const what of [1, 0]) {
    const list = this[kPool] === 0 ? [] : native.list(this[kPool], what)
    for (const item of list) {
      if (typeof item === 'number') sockets[item & INDEX_MASK]?.destroy()
    }
  }
}

// -- the pool's side ----------------------------------------------------------

// The pool's id; made when first needed, and kept at the agent's limits, which
// are plain properties that a program may change at any time.
function poolOf (agent) {
  const limits = agent[kLimits]
  if (limits !== null && limits.maxSockets === agent.maxSockets &&
      limits.maxTotalSockets === agent.maxTotalSockets &&
      limits.maxFreeSockets === agent.maxFreeSockets && limits.scheduling === agent.scheduling) {
    return agent[kPool]
  }
  const { maxSockets, maxTotalSockets, maxFreeSockets, scheduling } = agent
  agent[kLimits] = { maxSockets, maxTotalSockets, maxFreeSockets, scheduling }
  const fifo = scheduling === 'fifo'
  if (agent[kPool] === 0) {
    agent[kPool] = check(
      native.createPool(agent, maxSockets, maxTotalSockets, maxFreeSockets, fifo), 'createPool')
  } else {
    native.setPool(agent[kPool], maxSockets, maxTotalSockets, maxFreeSockets, fifo)
  }
  return agent[kPool]
}

function check (result, what) {
  if (result < 0) throw coreError(result, what)
  return result
}

// -- requests -----------------------------------------------------------------

// Node: getName(), without the agent's own options when they do not matter.
function keyOf (agent, req, options) {
  const own = agent.options
  if (agent.getName === baseGetName && own.host === undefined && own.port === undefined &&
      own.localAddress === undefined && own.family === undefined && own.socketPath === undefined) {
    return baseGetName.call(agent, options)
  }
  return agent.getName(merge(agent, req, options))
}

// Inherits nothing, as Node's options do. A constructor makes objects of one
// shape; { __proto__: null } is a hash table for V8 and takes 1 KB more, which
// counts since a socket keeps its options as long as it lives.
function Options () {}
Options.prototype = Object.create(null)

// Node: the options that createConnection() gets; the agent's win.
function merge (agent, req, options) {
  const merged = Object.assign(new Options(), options, agent.options)
  if (merged.socketPath) merged.path = merged.socketPath
  if (!merged.servername && merged.servername !== '') merged.servername = serverName(merged, req)
  return merged
}

// Node: calculateServerName().
function serverName (options, req) {
  let name = options.host
  const host = hostHeader(req)
  if (host) {
    if (host[0] === '[') {
      const end = host.indexOf(']')
      name = end === -1 ? host : host.substring(1, end)
    } else {
      name = host.split(':', 1)[0]
    }
  }
  return net.isIP(name) ? '' : name
}

function hostHeader (req) {
  const host = req.getHeader('host')
  if (host && typeof host !== 'string') throw typeError('options.headers.host', 'string', host)
  return host
}

Agent.prototype.addRequest = function addRequest (req, options, port, localAddress) {
  if (typeof options === 'string') {
    options = { __proto__: null, host: options, port, localAddress } // Node's legacy form
  }
  if (!options.servername) hostHeader(req)
  const pool = poolOf(this)
  const key = keyOf(this, req, options)
  for (;;) {
    const answer = native.acquire(pool, key)
    const id = registers[register.CONN]
    if (answer < 0) return req.onSocket(null, coreError(answer, 'acquire'))
    if (answer === verdict.REUSE) {
      const socket = sockets[id & INDEX_MASK]
      if (!socket.destroyed && socket.writable) return reuse(this, socket, req, options)
      socket.destroy()
    } else if (answer === verdict.CLOSE) {
      sockets[id & INDEX_MASK].destroy() // found dead; ask again
    } else if (answer === verdict.WAIT) {
      waiting[registers[register.WAITER] & INDEX_MASK] = req
      req[kWaitOptions] = options
      req[kWaiting] = new AsyncResource('QueuedRequest')
      return
    } else {
      const evicted = registers[register.EVICTED]
      if (evicted !== 0) sockets[evicted & INDEX_MASK].destroy()
      return create(this, req, options, id)
    }
  }
}

function reuse (agent, socket, req, options) {
  // Node >= 24; before that only a new socket gets what was asked for.
  const mark = agent.options.highWaterMark ?? options.highWaterMark
  if (mark != null) socket._writableState.highWaterMark = mark
  resetAsyncId(socket)
  agent.reuseSocket(socket, req)
  setRequestSocket(agent, req, socket)
}

// Node: asyncResetHandle(); the id of a reused handle is a new one.
function resetAsyncId (socket) {
  socket._handle?.asyncReset?.(new ReusedHandle(socket._handle))
}

class ReusedHandle {
  constructor (handle) {
    this.type = handle.getProviderType?.()
    this.handle = handle
  }
}

// The pool has an entry for req; what comes of it is the request's socket.
function create (agent, req, options, id) {
  req[kEntry] = id
  agent.createSocket(req, options, (err, socket) => {
    dropEntry(agent, req) // a createSocket of the user's may not have used it
    if (err) req.onSocket(socket, err)
    else setRequestSocket(agent, req, socket)
  })
}

function dropEntry (agent, req) {
  const id = req[kEntry]
  if (id === undefined) return
  req[kEntry] = undefined
  giveRoom(agent, id)
}

// A connection or an entry leaves the pool: its place may be somebody's.
function giveRoom (agent, id) {
  const answer = native.remove(id)
  if (registers[register.WAITER] === 0) return
  const next = registers[register.CONN]
  const req = unqueue(registers[register.WAITER])
  const resource = req[kWaiting]
  req[kWaiting] = null
  if (answer < 0) req.onSocket(null, coreError(answer, 'connect')) // no memory for it
  else resource.runInAsyncScope(createForWaiting, null, agent, req, next)
}

// As Node does it, a connection made for a waiting request is announced as
// free, and then is the request's.
function createForWaiting (agent, req, id) {
  req[kEntry] = id
  agent.createSocket(req, req[kWaitOptions], (err, socket) => {
    dropEntry(agent, req)
    if (err) {
      req.onSocket(null, err)
    } else {
      socket[kNext] = req
      socket.emit('free')
    }
  })
}

function unqueue (id) {
  const req = waiting[id & INDEX_MASK]
  waiting[id & INDEX_MASK] = undefined
  return req
}

function setRequestSocket (agent, req, socket) {
  if (socket[kCore] !== undefined && socket._handle === socket[kCore]) exchange.assign(req, socket)
  else req.onSocket(socket)
  const agentTimeout = agent.options.timeout || 0
  if (req.timeout === undefined || req.timeout === agentTimeout) return
  socket.setTimeout(req.timeout)
}

Agent.prototype.reuseSocket = function reuseSocket (socket, req) {
  req.reusedSocket = true
  if (socket[kCore] === undefined) { // the core refs its own
    socket.removeListener('error', onIdleError)
    unguard(socket)
    socket.ref()
  }
}

// -- sockets ------------------------------------------------------------------

// The fast lane: plain http by the core. A connection that the user, a proxy
// or an option of net makes is made by Node.
function isFast (agent, options) {
  return ring.fast && agent.createConnection === baseCreateConnection &&
    agent.protocol === 'http:' && !hasProxy(agent) &&
    options.handle === undefined && options.fd === undefined && options.onread === undefined &&
    !(typeof options.socketPath === 'string' && options.socketPath.includes('\0'))
}

const kProxyConfig = Object.getOwnPropertySymbols(new BaseAgent({ proxyEnv: {} }))
  .find((symbol) => symbol.description === 'kProxyConfig')

function hasProxy (agent) {
  return kProxyConfig !== undefined && Boolean(agent[kProxyConfig])
}

Agent.prototype.createSocket = function createSocket (req, options, callback) {
  options = merge(this, req, options)
  const timeout = req.timeout || this.options.timeout || undefined
  if (timeout) options.timeout = timeout
  const name = this.getName(options)
  options._agentKey = name
  options.encoding = null
  if (this.keepAlive) {
    options.keepAlive = this.keepAlive
    options.keepAliveInitialDelay = this.keepAliveMsecs
  }
  let id = req[kEntry]
  req[kEntry] = undefined
  if (id === undefined) { // called past addRequest()
    check(native.add(poolOf(this), name), 'add')
    id = registers[register.CONN]
  }
  let created = false
  const oncreate = (err, socket) => {
    if (created) return
    created = true
    if (err) {
      giveRoom(this, id)
      return callback(err)
    }
    install(this, socket, options, id)
    callback(null, socket)
  }
  let socket
  try {
    socket = isFast(this, options) ? connect(options, id) : this.createConnection(options, oncreate)
  } catch (err) {
    if (!created) giveRoom(this, id)
    throw err
  }
  if (socket) oncreate(null, socket)
}

// Node: net.createConnection().
function connect (options, id) {
  const socket = new Socket(options, id)
  if (options.timeout) socket.setTimeout(options.timeout)
  return socket.connect(options)
}

// Node: installListeners(). The functions are shared; what they need is on the
// socket.
function install (agent, socket, options, id) {
  socket[kAgent] = agent
  socket[kOptions] = options
  socket[kConn] = id
  sockets[id & INDEX_MASK] = socket
  if (socket[kCore] === undefined) {
    native.external(id)
    handles[id & INDEX_MASK] = new NodeEntry(id, socket)
  } else {
    socket.on('error', onCoreError)
  }
  socket.on('free', onSocketFree)
  socket.on('close', onSocketClose)
  socket.on('timeout', onSocketTimeout)
  socket.on('agentRemove', onSocketRemove)
}

// What the core has to say of a socket of Node's: that it was idle too long.
class NodeEntry {
  constructor (id, socket) {
    this.id = id
    this.socket = socket
  }

  onRecords () {
    while (ring.take(this.id) !== -1) this.socket.destroy()
  }
}

// Anything read on an idle socket of Node's closes it. Node >= 22.23 does the
// same, in the listener that ours replaces.
function guard (socket) {
  const handle = socket._handle
  if (typeof handle?.onread !== 'function') return
  socket[kOnRead] = handle.onread
  handle.onread = () => { socket.destroy() }
}

function unguard (socket) {
  const handle = socket._handle
  if (handle && socket[kOnRead] !== undefined) handle.onread = socket[kOnRead]
  socket[kOnRead] = undefined
}

function onSocketFree () {
  this[kAgent].emit('free', this, this[kOptions])
}

function onSocketClose () {
  this[kAgent].removeSocket(this, this[kOptions])
  const req = this[kExchange] ? this._httpMessage : null
  if (req) exchange.socketClosed(this, req)
}

function onSocketTimeout () {
  if (isIdle(this)) this.destroy()
  else if (this[kExchange] && !this._httpMessage.timeoutCb) this._httpMessage.res?.emit('timeout')
}

function isIdle (socket) {
  return socket[kConn] !== undefined && !socket._httpMessage
}

// It goes on working, but not for the agent.
function onSocketRemove () {
  const agent = this[kAgent]
  this.removeListener('free', onSocketFree)
  this.removeListener('timeout', onSocketTimeout)
  this.removeListener('agentRemove', onSocketRemove)
  if (!this[kExchange]) {
    this.removeListener('close', onSocketClose)
    this.removeListener('error', onCoreError)
    this.becomeNative?.()
  }
  agent.removeSocket(this, this[kOptions])
}

function onCoreError (err) {
  if (this[kExchange]) exchange.socketFailed(this, this._httpMessage, err)
  else onIdleError.call(this)
}

// Node: freeSocketErrorListener().
function onIdleError () {
  this.destroy()
  this.emit('agentRemove')
}

Agent.prototype.removeSocket = function removeSocket (socket) {
  const id = socket[kConn]
  if (id === undefined || socket[kAgent] !== this) return
  socket[kConn] = undefined
  sockets[id & INDEX_MASK] = undefined
  if (socket[kCore] === undefined) handles[id & INDEX_MASK] = undefined
  giveRoom(this, id)
}

// -- after a request ----------------------------------------------------------

// Node: the listener for 'free' that the constructor installs.
function onFree (socket) {
  const id = socket[kConn]
  const next = socket[kNext]
  if (next !== undefined) {
    socket[kNext] = undefined
    setRequestSocket(this, next, socket)
    return
  }
  if (!socket.writable || id === undefined) {
    socket.destroy()
    return
  }
  const req = socket._httpMessage
  const mayIdle = Boolean(req && req.shouldKeepAlive && this.keepAlive)
  poolOf(this)
  const answer = native.release(id, mayIdle, this.freeSocketTimeout || Infinity)
  if (answer === verdict.HANDOVER) {
    handOver(this, socket, unqueue(registers[register.WAITER]))
  } else if (answer === verdict.IDLE) {
    socket._httpMessage = null
    if (!keep(this, socket, req)) socket.destroy()
  } else {
    socket.destroy()
  }
}

function handOver (agent, socket, req) {
  const resource = req[kWaiting]
  req[kWaiting] = null
  resource.runInAsyncScope(() => {
    resetAsyncId(socket)
    setRequestSocket(agent, req, socket)
  })
}

function keep (agent, socket, req) {
  socket._httpMessage = req // keepSocketAlive() looks at the response
  const kept = agent.keepSocketAlive(socket)
  socket._httpMessage = null
  if (kept && socket[kCore] === undefined) {
    socket.once('error', onIdleError)
    guard(socket)
  }
  return kept
}

Agent.prototype.keepSocketAlive = function keepSocketAlive (socket) {
  socket.setKeepAlive(true, this.keepAliveMsecs)
  if (socket[kCore] === undefined) socket.unref() // the core unrefs its own
  const hint = /^timeout=(\d+)/.exec(socket._httpMessage?.res?.headers['keep-alive'])?.[1]
  const ms = Number.parseInt(hint) * 1000 - this.agentKeepAliveTimeoutBuffer
  let timeout = this.options.timeout || 0
  if (ms < timeout) timeout = Math.max(ms, 0)
  if (socket.timeout !== timeout && (socket.timeout || timeout)) socket.setTimeout(timeout)
  if (hint === undefined) return true
  if (ms <= 0) return false
  native.setIdle(socket[kConn] ?? 0, Math.min(ms, this.freeSocketTimeout || Infinity))
  return true
}

module.exports = { Agent }
