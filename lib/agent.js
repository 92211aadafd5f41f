// SPDX-License-Identifier: MIT
//
// The Agent: the interface of http.Agent over the pool, for both lanes. The pool decides
// which connection a request gets, whether it waits, and whether a free connection is
// kept; this file acts on that.
'use strict'

const http = require('node:http')
const { inspect } = require('node:util')

const exchange = require('./exchange')
const { keepAliveHint } = require('./incoming')
const { isCores, install, leave, keep, wake } = require('./agent-socket')
const {
  QueuedRequest, create, placeFor, dropPlace, takeNext, suits, setRequestSocket
} = require('./place')
const { connect } = require('./connect')
const { Pool, verdict, verdictNames } = require('./pool')
const { keyOf, merge, hostHeader, noKey, kLast } = require('./origin-key')
const { coreError } = require('./errors')
const { validateAgentOptions, typeError } = require('./options')
const { viewOf } = require('./pool-view')
const { whyNode, waitsForTunnel } = require('./node-lane')
const { debug, debugging, inspectAgent } = require('./diagnostics')
const { aroundAddRequest } = require('./host')
const { kPool, kPlace, kAgent, kConn, kHinted } = require('./symbols')

const FREE_SOCKET_TIMEOUT = 4000 // ms; Node's servers wait 5 s
const KEEP_ALIVE_BUFFER = 1000 // ms; Node: agentKeepAliveTimeoutBuffer

const kOwnOptions = Symbol('hawser.ownOptions') // none on a replacement of Node's
const kViews = Symbol('hawser.views')

// Taken now: a program may put another Agent in its place later, this one too.
const BaseAgent = http.Agent

function Agent (options) {
  if (!(this instanceof Agent)) return new Agent(options)
  validateAgentOptions(options)
  construct(this, BaseAgent, { ...options, keepAlive: options?.keepAlive ?? true })
  addOptions(this, options)
}

// Initialises `agent`, an instance of a subclass of Base, Node's class, with Node's
// options only.
function construct (agent, Base, options) {
  agent[kPool] = new Pool(agent)
  agent[kViews] = null
  agent[kLast] = noKey()
  agent[kOwnOptions] = false
  Base.call(agent, options)
  agent.removeAllListeners('free') // Node's bookkeeping; the core has its own
  agent.on('free', onFree)
}

// What hawser's agents have in addition to Node's.
function addOptions (agent, options) {
  agent[kOwnOptions] = true
  agent.agentKeepAliveTimeoutBuffer ??= options?.agentKeepAliveTimeoutBuffer ?? KEEP_ALIVE_BUFFER
  agent.freeSocketTimeout = options?.freeSocketTimeout ?? FREE_SOCKET_TIMEOUT
}

// How long a connection may be idle, in ms.
function idleLimit (agent) {
  return (agent[kOwnOptions] && agent.freeSocketTimeout) || Infinity
}

// Makes Class a subclass of Base, Node's class, with the core's pool.
function inherit (Class, Base) {
  Object.setPrototypeOf(Class.prototype, Base.prototype)
  Object.setPrototypeOf(Class, Base)
  Object.assign(Class.prototype, methods)
  Object.defineProperties(Class.prototype, accessors)
}

// -- inspection ---------------------------------------------------------------

const NO_POOL = new Pool({}) // of a prototype, which a user may inspect too

const poolOf = (agent) => agent[kPool] ?? NO_POOL

function view (agent, name) {
  agent[kViews] ??= {}
  agent[kViews][name] ??= viewOf[name](poolOf(agent))
  return agent[kViews][name]
}

// Node assigns these in its constructor; here there is nothing to set.
function ignore () {}

const accessors = {
  sockets: { get () { return view(this, 'sockets') }, set: ignore, configurable: true },
  freeSockets: { get () { return view(this, 'freeSockets') }, set: ignore, configurable: true },
  requests: { get () { return view(this, 'requests') }, set: ignore, configurable: true },
  totalSocketCount: {
    get () { return poolOf(this).total() },
    set: ignore,
    configurable: true
  },
  /** 'fast': requests of this agent go through the core; 'node': through net. */
  lane: {
    get () { return this.laneReason === null ? 'fast' : 'node' },
    configurable: true
  },
  /** Why 'node', as readable text; null for 'fast'. */
  laneReason: {
    get () { return whyNode(this, this.options, null) },
    configurable: true
  }
}

const methods = {
  addRequest,
  createSocket,
  removeSocket,
  keepSocketAlive,
  reuseSocket,
  destroy,
  [inspect.custom] (depth, options, inspectWith) {
    return inspectAgent(this, options, inspectWith)
  }
}

/** Closes every connection, active or idle, as http.Agent does. */
function destroy () {
  poolOf(this).destroy()
}

// -- requests -----------------------------------------------------------------

function addRequest (req, options, port, localAddress) {
  const around = aroundAddRequest()
  if (around === null) add.call(this, req, options, port, localAddress)
  else addWithin(around, this, req, options, port, localAddress)
}

// addRequest() of Node's Agent is wrapped, and what the wrapper does (async-listener sets
// req.onSocket) must apply to these requests too. Node's own addRequest(), which it calls,
// gets an agent that has room, so that it calls createSocket().
function addWithin (around, agent, req, ...args) {
  const own = () => add.call(agent, req, ...args)
  const stage = Object.create(agent, Object.getOwnPropertyDescriptors({
    sockets: {},
    freeSockets: {},
    totalSocketCount: 0,
    maxSockets: 1,
    getName: () => '',
    createSocket: own
  }))
  around.call(stage, req, ...args)
}

function add (req, options, port, localAddress) {
  if (typeof options === 'string') {
    options = { __proto__: null, host: options, port, localAddress } // Node's legacy form
  }
  if (!options.servername) hostHeader(req)
  dropPlace(req) // another agent's createSocket() has passed it on
  req[kPlace] = null // always, so that all requests have one shape
  const pool = this[kPool]
  const key = keyOf(this, req, options)
  for (;;) {
    const answer = pool.acquire(key)
    const id = pool.idOf(answer)
    if (debugging) debug('%s %s: %s', req.method, key, verdictNames[answer], id)
    if (answer < 0) {
      req.onSocket(null, coreError(answer, 'acquire'))
      return pool.start() // for the place of an evicted connection
    }
    if (answer === verdict.WAIT) return pool.wait(id, new QueuedRequest(this, req, options))
    if (answer === verdict.CONNECT) return create(this, req, options, id)
    const socket = pool.connectionAt(id)
    if (suits(socket, req)) return reuse(this, socket, req, options)
    pool.reject(id, socket) // ask again
  }
}

function reuse (agent, socket, req, options) {
  // Node >= 24; before that, only a new socket gets the request's value.
  const mark = agent.options.highWaterMark ?? options.highWaterMark
  if (mark != null) socket._writableState.highWaterMark = mark
  try {
    wake(agent, socket)
    agent.reuseSocket(socket, req)
  } catch (err) {
    socket.destroy() // no request has it
    throw err
  }
  setRequestSocket(agent, req, socket)
}

function reuseSocket (socket, req) {
  req.reusedSocket = true
  if (!isCores(socket)) socket.ref() // the core refs its own
}

// -- sockets ------------------------------------------------------------------

function createSocket (req, options, callback) {
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
  const id = placeFor(this, req, String(name))
  let created = false
  const oncreate = (err, socket) => {
    if (created) return
    created = true
    if (!err && typeof socket?.on !== 'function') err = typeError('socket', 'stream.Duplex', socket)
    if (err) {
      this[kPool].remove(id)
      return callback(err)
    }
    install(this, socket, options, id)
    try {
      callback(null, socket)
    } catch (err) {
      if (!exchange.isTaken(socket)) socket.destroy() // no request has it
      throw err
    }
  }
  let socket
  try {
    const reason = whyNode(this, options, req)
    if (debugging && reason !== null) debug('%s: a connection of Node\'s, since %s', name, reason)
    socket = reason === null ? connect(options, id) : this.createConnection(options, oncreate)
  } catch (err) {
    if (!created) this[kPool].remove(id)
    throw err
  }
  if (socket && !waitsForTunnel(this, socket)) oncreate(null, socket)
}

function removeSocket (socket) {
  if (socket[kAgent] === this) leave(socket)
}

// -- after a request ----------------------------------------------------------

// Node: the listener for 'free' that the constructor installs.
function onFree (socket) {
  const id = socket[kConn]
  if (takeNext(this, socket) || socket[kAgent] === null) return // it has left the agent
  if (!socket.writable || id === undefined) {
    socket.destroy()
    return
  }
  const req = socket._httpMessage
  const mayIdle = Boolean(req && req.shouldKeepAlive && this.keepAlive)
  if (!this[kPool].release(id, socket, mayIdle, idleLimit(this))) return
  let kept = false
  try {
    kept = keep(this, socket, req)
  } finally {
    if (!kept) socket.destroy()
  }
}

function keepSocketAlive (socket) {
  socket.setKeepAlive(true, this.keepAliveMsecs)
  if (!isCores(socket)) socket.unref() // the core unrefs its own
  const res = socket._httpMessage?.res
  const hint = res ? keepAliveHint(res) : undefined
  const buffer = this.agentKeepAliveTimeoutBuffer ?? KEEP_ALIVE_BUFFER
  const ms = hint === undefined ? Infinity : hint * 1000 - buffer
  const own = this.options.timeout || 0
  const timeout = ms < own ? Math.max(ms, 0) : own
  if (socket.timeout || timeout) {
    if (socket.timeout !== timeout) socket.setTimeout(timeout)
  } else {
    socket.timeout = 0 // as setTimeout(0) leaves it
  }
  socket[kHinted] = timeout === own ? -1 : timeout
  if (ms === Infinity) return true
  if (ms <= 0) return false
  return this[kPool].setIdle(socket[kConn] ?? 0, Math.min(ms, idleLimit(this)))
}

inherit(Agent, BaseAgent)

module.exports = { Agent, construct, addOptions, inherit }
