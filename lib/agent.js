// SPDX-License-Identifier: MIT
//
// The Agent: http.Agent's surface over the pool, for both lanes alike. The pool
// decides which connection a request gets, or that it waits, and what becomes of one
// that is free; here that is acted on.
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

const kOwnOptions = Symbol('hawser.ownOptions') // none on a stand-in for Node's
const kViews = Symbol('hawser.views')

// Taken now: a program may put another Agent in its place later, this one too.
const BaseAgent = http.Agent

function Agent (options) {
  if (!(this instanceof Agent)) return new Agent(options)
  validateAgentOptions(options)
  construct(this, BaseAgent, { ...options, keepAlive: options?.keepAlive ?? true })
  addOptions(this, options)
}

// Makes `agent`, an instance of a class that inherits from Base, Node's class, with
// Node's options and no other.
function construct (agent, Base, options) {
  agent[kPool] = new Pool(agent)
  agent[kViews] = null
  agent[kLast] = noKey()
  agent[kOwnOptions] = false
  Base.call(agent, options)
  agent.removeAllListeners('free') // Node's bookkeeping; ours is the core's
  agent.on('free', onFree)
}

// What our own agents have beyond Node's.
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

// -- looking in ---------------------------------------------------------------

const NO_POOL = new Pool({}) // of a prototype, which somebody may look at too

const poolOf = (agent) => agent[kPool] ?? NO_POOL

function view (agent, name) {
  agent[kViews] ??= {}
  agent[kViews][name] ??= viewOf[name](poolOf(agent))
  return agent[kViews][name]
}

// Node assigns these in its constructor; they have nothing to set here.
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
  /** Why 'node', in words for people; null for 'fast'. */
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

/** Closes every connection, active or idle, as http.Agent does it. */
function destroy () {
  poolOf(this).destroy()
}

// -- requests -----------------------------------------------------------------

function addRequest (req, options, port, localAddress) {
  const around = aroundAddRequest()
  if (around === null) add.call(this, req, options, port, localAddress)
  else addWithin(around, this, req, options, port, localAddress)
}

// Something is wrapped around addRequest() of Node's Agent, and what it does there
// (async-listener sets req.onSocket) it does for our requests too. Node's own, which
// it calls, is shown an agent that has room, and leaves the rest to us.
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
  dropPlace(req) // another agent's createSocket() passes it on
  req[kPlace] = null // always, for requests to be of one shape
  const pool = this[kPool]
  const key = keyOf(this, req, options)
  for (;;) {
    const answer = pool.acquire(key)
    const id = pool.idOf(answer)
    if (debugging) debug('%s %s: %s', req.method, key, verdictNames[answer], id)
    if (answer < 0) {
      req.onSocket(null, coreError(answer, 'acquire'))
      return pool.start() // for the place of what was evicted
    }
    if (answer === verdict.WAIT) return pool.wait(id, new QueuedRequest(this, req, options))
    if (answer === verdict.CONNECT) return create(this, req, options, id)
    const socket = pool.connectionAt(id)
    if (suits(socket, req)) return reuse(this, socket, req, options)
    pool.reject(id, socket) // ask again
  }
}

function reuse (agent, socket, req, options) {
  // Node >= 24; before that only a new socket gets what was asked for.
  const mark = agent.options.highWaterMark ?? options.highWaterMark
  if (mark != null) socket._writableState.highWaterMark = mark
  try {
    wake(agent, socket)
    agent.reuseSocket(socket, req)
  } catch (err) {
    socket.destroy() // nobody's
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
      if (!exchange.isTaken(socket)) socket.destroy() // nobody has it
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
