// SPDX-License-Identifier: MIT
//
// The Agent: http.Agent's surface over the core's pool. The pool decides which
// connection a request gets, or that it waits; here the verdicts are acted on,
// for both lanes alike.
'use strict'

const http = require('node:http')
const { AsyncResource } = require('node:async_hooks')
const { inspect } = require('node:util')

const native = require('./binding')
const ring = require('./shared-ring')
const exchange = require('./exchange')
const { keepAliveHint } = require('./incoming')
const { connect } = require('./connect')
const { keyOf, merge, hostHeader, noKey, kLast } = require('./origin-key')
const { NO_MEMORY, coreError } = require('./errors')
const { validateAgentOptions, typeError } = require('./options')
const { poolView } = require('./pool-view')
const {
  NodeEntry, guard, unguard, whenClosed, hasProxy, waitsForTunnel, emitTunnelError, addKeylog,
  completeMethods
} = require('./node-lane')
const { debug, debugging, inspectAgent } = require('./diagnostics')
const { resetAsyncId, clearAsyncId } = require('./async-ids')
const host = require('./host')
const {
  kAgent, kConn, kOptions, kIdle, kHinted, kCore, kExchange, kNext, kEntry
} = require('./symbols')

const { verdict, register } = native
const { handles, registers, INDEX_MASK } = ring
const verdictNames = Object.fromEntries(Object.entries(verdict).map(([name, n]) => [n, name]))

const PATH_MAX = 107 // sun_path, without the NUL
const KEEP_ALIVE_BUFFER = 1000 // ms; Node: agentKeepAliveTimeoutBuffer

const kPool = Symbol('hawser.pool')
const kOwnOptions = Symbol('hawser.ownOptions') // none on a stand-in for Node's
const kLimits = Symbol('hawser.limits')
const kViews = Symbol('hawser.views')

// Taken now: a program may put another Agent in its place later, this one too.
const BaseAgent = http.Agent

// By index of an id: the socket of a connection that is in a pool, and who waits.
const sockets = []
const waiting = []

// A request that waits for its turn, in the async context it was made in.
class QueuedRequest extends AsyncResource {
  constructor (req, options) {
    super('QueuedRequest')
    this.req = req
    this.options = options
    this.begun = false // its turn has come
  }
}

const FREE_SOCKET_TIMEOUT = 4000 // ms; Node's servers wait 5 s

function Agent (options) {
  if (!(this instanceof Agent)) return new Agent(options)
  validateAgentOptions(options)
  construct(this, BaseAgent, { ...options, keepAlive: options?.keepAlive ?? true })
  addOptions(this, options)
}

// Makes `agent`, an instance of a class that inherits from Base, Node's class, with
// Node's options and no other.
function construct (agent, Base, options) {
  agent[kPool] = 0
  agent[kLimits] = null
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

const ACTIVE = 0
const IDLE = 1
const WAITING = 2

const list = (agent, what) => agent[kPool] === 0 ? [] : native.list(agent[kPool], what)
const socketOf = (id) => sockets[id & INDEX_MASK] // undefined: still to come
const requestOf = (id) => waiting[id & INDEX_MASK]?.req

// An idle socket whose time is over, or that was destroyed, is no longer to be had
// from the core, but it is a free one until it has closed.
function wasFree (id) {
  return socketOf(id)?.[kIdle] === true
}

const views = {
  sockets: (agent) => poolView(
    () => list(agent, ACTIVE), (id) => wasFree(id) ? undefined : socketOf(id)),
  freeSockets: (agent) => poolView(
    () => [...list(agent, IDLE),
      ...list(agent, ACTIVE).filter((item) => typeof item === 'string' || wasFree(item))],
    socketOf),
  requests: (agent) => poolView(() => list(agent, WAITING), requestOf)
}

function view (agent, name) {
  agent[kViews] ??= {}
  agent[kViews][name] ??= views[name](agent)
  return agent[kViews][name]
}

// Node assigns these in its constructor; they have nothing to set here.
function ignore () {}

const accessors = {
  sockets: { get () { return view(this, 'sockets') }, set: ignore, configurable: true },
  freeSockets: { get () { return view(this, 'freeSockets') }, set: ignore, configurable: true },
  requests: { get () { return view(this, 'requests') }, set: ignore, configurable: true },
  totalSocketCount: {
    get () { return this[kPool] === 0 ? 0 : native.total(this[kPool]) },
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
  for (const item of [...list(this, IDLE), ...list(this, ACTIVE)]) {
    if (typeof item === 'number') sockets[item & INDEX_MASK]?.destroy()
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
  const numbers = [places(maxSockets) || 0, places(maxTotalSockets) || 0, places(maxFreeSockets)]
  const fifo = scheduling === 'fifo'
  if (agent[kPool] === 0) {
    agent[kPool] = check(native.createPool(agent, ...numbers, fifo), 'createPool')
  } else {
    native.setPool(agent[kPool], ...numbers, fifo)
    startWhoWaits(agent)
  }
  return agent[kPool]
}

// How many fit below a limit: Node compares with it. Below NaN there are none where it
// asks whether there are fewer, and any number where it asks whether there are more.
function places (limit) {
  return Math.max(Math.ceil(Number(limit)), 0)
}

function check (result, what) {
  if (result < 0) throw coreError(result, what)
  return result
}

// -- requests -----------------------------------------------------------------

function addRequest (req, options, port, localAddress) {
  const around = host.aroundAddRequest()
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
  dropEntry(req) // another agent's createSocket() passes it on
  req[kEntry] = null // always, for requests to be of one shape
  const pool = poolOf(this)
  const key = keyOf(this, req, options)
  for (;;) {
    const answer = native.acquire(pool, key)
    const id = registers[register.CONN]
    const evicted = registers[register.EVICTED]
    if (evicted !== 0) process.nextTick(destroySocket, sockets[evicted & INDEX_MASK])
    if (debugging) debug('%s %s: %s', req.method, key, verdictNames[answer], id)
    if (answer < 0) {
      req.onSocket(null, coreError(answer, 'acquire'))
      return startWhoWaits(this) // for the place of what was evicted
    }
    if (answer === verdict.REUSE) {
      const socket = sockets[id & INDEX_MASK]
      if (suits(socket, req)) return reuse(this, socket, req, options)
      socket.destroy()
    } else if (answer === verdict.CLOSE) {
      sockets[id & INDEX_MASK].destroy() // found dead; ask again
    } else if (answer === verdict.WAIT) {
      waiting[registers[register.WAITER] & INDEX_MASK] = new QueuedRequest(req, options)
      return
    } else {
      return create(this, req, options, id)
    }
  }
}

// A connection of the core's is not for a request that waits for its own onSocket().
function suits (socket, req) {
  return !socket.destroyed && socket.writable &&
    (socket._handle !== socket[kCore] || host.hasNodesOnSocket(req))
}

// Is the entry that a socket has in a pool its own connection of the core's? Not if the
// socket is Node's, or was of another agent before (a CONNECT's, by a createConnection).
function isCores (socket) {
  return socket[kCore] !== undefined && socket[kCore].id === socket[kConn]
}

function destroySocket (socket) {
  socket.destroy()
}

function reuse (agent, socket, req, options) {
  // Node >= 24; before that only a new socket gets what was asked for.
  const mark = agent.options.highWaterMark ?? options.highWaterMark
  if (mark != null) socket._writableState.highWaterMark = mark
  socket[kIdle] = false
  try {
    if (!isCores(socket)) { // not in reuseSocket(), which may be somebody's
      socket.removeListener('error', exchange.onIdleError)
      unguard(socket)
    }
    resetAsyncId(socket)
    unhint(agent, socket)
    agent.reuseSocket(socket, req)
  } catch (err) {
    socket.destroy() // nobody's
    throw err
  }
  setRequestSocket(agent, req, socket)
}

// The pool has an entry for req; what comes of it is the request's socket.
function create (agent, req, options, id) {
  req[kEntry] = { agent, id }
  let given = false
  try {
    agent.createSocket(req, merge(agent, req, options), (err, socket) => {
      dropEntry(req) // a createSocket of the user's may not have used it
      given = true
      if (err) {
        emitTunnelError(req, err)
        req.onSocket(socket, err)
      } else {
        setRequestSocket(agent, req, socket)
      }
    })
  } catch (err) {
    dropEntry(req)
    if (given) { // http.request() throws: nobody has the request
      req.on('error', ignore)
      req.destroy()
    }
    throw err
  }
}

function dropEntry (req) {
  const entry = req[kEntry]
  if (!entry) return
  req[kEntry] = null
  giveRoom(entry.agent, entry.id)
}

// A connection or an entry leaves the pool: its place may be somebody's.
function giveRoom (agent, id) {
  native.remove(id)
  startWhoWaits(agent)
}

// Those who have waited long enough, in turn: one that fails at once makes room
// for the next, and a call for each inside of the one before would be too deep.
const starting = []
let isStarting = false

// To be called after all that makes room. All are taken out of their queue
// first: what a callback does, or throws, is no matter to those behind.
function startWhoWaits (agent) {
  for (;;) {
    const answer = native.next(agent[kPool])
    const waiter = registers[register.WAITER]
    if (waiter === 0) break
    starting.push({ agent, answer, id: registers[register.CONN], queued: unqueue(waiter) })
  }
  if (!isStarting && starting.length > 0) startAll()
}

function startAll () {
  isStarting = true
  try {
    while (starting.length > 0) {
      const { agent, answer, id, queued } = starting.shift()
      if (answer < 0) queued.req.onSocket(null, coreError(answer, 'connect')) // no memory for it
      else startOne(agent, queued, id)
    }
  } finally {
    isStarting = false
    if (starting.length > 0) process.nextTick(startAll) // a listener of somebody's threw
  }
}

function startOne (agent, queued, id) {
  try {
    queued.runInAsyncScope(createForWaiting, null, agent, queued, id)
  } catch (err) {
    if (!queued.begun) giveRoom(agent, id)
    failUnbegun(queued, err)
    process.nextTick(rethrow, err)
  }
}

// The async scope of a request that has waited threw before anything was begun.
function failUnbegun (queued, err) {
  if (queued.begun) return
  queued.begun = true
  queued.req.onSocket(null, err)
}

// As Node does it, a connection made for a waiting request is announced as
// free, and then is the request's, whatever a listener for 'free' does. What
// createSocket() throws is the request's too: whoever made room has nothing to
// do with it.
function createForWaiting (agent, queued, id) {
  const { req, options } = queued
  queued.begun = true
  req[kEntry] = id === 0 ? null : { agent, id } // 0: createSocket() adds one
  let told = false
  const oncreate = (err, socket) => {
    dropEntry(req)
    if (told) return
    told = true
    if (err) {
      emitTunnelError(req, err)
      req.onSocket(null, err)
      return
    }
    socket[kNext] = req
    try {
      socket.emit('free')
    } catch (err) {
      process.nextTick(rethrow, err) // createSocket(), which is not to blame, may be below
    }
    takeNext(agent, socket)
  }
  try {
    agent.createSocket(req, merge(agent, req, options), oncreate)
  } catch (err) {
    if (told) process.nextTick(rethrow, err)
    else oncreate(err)
  }
}

// What is thrown here is uncaught, and keeps nothing else from being done.
function rethrow (err) {
  throw err
}

// The request that a connection was made for takes it.
function takeNext (agent, socket) {
  const next = socket[kNext]
  if (next === undefined) return false
  socket[kNext] = undefined
  setRequestSocket(agent, next, socket)
  return true
}

function unqueue (id) {
  const queued = waiting[id & INDEX_MASK]
  waiting[id & INDEX_MASK] = undefined
  return queued
}

function setRequestSocket (agent, req, socket) {
  if (socket[kCore] !== undefined && socket._handle === socket[kCore]) exchange.assign(req, socket)
  else exchange.assignNative(req, socket)
  const agentTimeout = agent.options.timeout || 0
  if (req.timeout === undefined || req.timeout === agentTimeout) return
  socket.setTimeout(req.timeout)
}

function reuseSocket (socket, req) {
  req.reusedSocket = true
  if (!isCores(socket)) socket.ref() // the core refs its own
}

// -- sockets ------------------------------------------------------------------

// Longer ones and abstract names are Node's, which says what is wrong with them.
function isPlainPath (path) {
  return typeof path !== 'string' || (!path.includes('\0') && Buffer.byteLength(path) <= PATH_MAX)
}

// Options that are net's own business.
const NET_OPTIONS = ['handle', 'fd', 'onread', 'blockList', 'signal', 'typeOfService']

// Why a connection is made by Node, or null: it is plain http and the core's.
// `req` is null where it is asked for no request in particular.
function whyNode (agent, options, req) {
  if (agent.protocol !== 'http:') return "TLS is Node's"
  const reason = ring.reason ?? host.whyNotNow()
  if (reason !== null) return reason
  if (hasProxy(agent)) return 'a proxy is in force'
  if (!host.hasNodesCreateConnection(agent)) return "createConnection is not Node's own"
  if (req !== null && !host.hasNodesOnSocket(req)) return "the request's onSocket is not Node's own"
  const option = NET_OPTIONS.find((name) => options[name] !== undefined)
  if (option !== undefined) return `the option ${option} is net's`
  return isPlainPath(options.socketPath) ? null : 'the socketPath is long or abstract'
}

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
  let id = 0
  if (req[kEntry]?.agent === this) {
    id = req[kEntry].id
    req[kEntry] = null
  } else { // called past addRequest()
    check(native.add(poolOf(this), String(name)), 'add')
    id = registers[register.CONN]
  }
  let created = false
  const oncreate = (err, socket) => {
    if (created) return
    created = true
    if (!err && typeof socket?.on !== 'function') err = typeError('socket', 'stream.Duplex', socket)
    if (err) {
      giveRoom(this, id)
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
    if (!created) giveRoom(this, id)
    throw err
  }
  if (socket && !waitsForTunnel(this, socket)) oncreate(null, socket)
}

// Node: installListeners(). The functions are shared; what they need is on the
// socket. One of Node's has a listener for 'error' beyond those of Node too:
// Node takes its own away at the end of a response, and req.destroy(err) just
// before makes the socket throw then.
function install (agent, socket, options, id) {
  const isKnown = socket[kAgent] !== undefined
  if (isKnown) takeBack(socket)
  socket[kAgent] = agent
  socket[kOptions] = options
  socket[kConn] = id
  sockets[id & INDEX_MASK] = socket
  if (!isCores(socket)) {
    native.external(id)
    handles[id & INDEX_MASK] = new NodeEntry(id, socket)
    completeMethods(socket)
    socket.on('error', ignore)
    if (!isKnown || !Object.hasOwn(socket, '_destroy')) whenClosed(socket, leave) // once
  } else {
    socket[kCore].leave = leave
  }
  socket.on('free', onSocketFree)
  socket.on('close', onSocketClose)
  if (isCores(socket)) exchange.listen(socket)
  socket.on('timeout', onSocketTimeout)
  socket.on('agentRemove', onSocketRemove)
  addKeylog(agent, socket)
}

// A createConnection of somebody's has given a socket once more: it leaves the place
// that it has. Who waits for that may be given it in the same way.
function takeBack (socket) {
  while (socket[kConn] !== undefined) onSocketRemove.call(socket)
  socket.removeListener('error', exchange.onIdleError)
}

function onSocketFree () {
  this[kAgent]?.emit('free', this, this[kOptions]) // null: a listener before has taken it
}

function onSocketClose () {
  if (debugging) debug('connection %s is closed', this[kConn] ?? 'that left the pool')
  try {
    this[kAgent]?.removeSocket(this, this[kOptions])
  } catch (err) {
    process.nextTick(rethrow, err) // the request's own listener comes behind
  }
}

function onSocketTimeout () {
  if (this[kIdle]) this.destroy()
  else if (this[kExchange]?.tellsTimeout === false) this._httpMessage.res?.emit('timeout')
}

// It goes on working, but not for the agent; at once, or when the request that is
// on it, or about to be, has ended.
function onSocketRemove () {
  const agent = this[kAgent]
  if (agent === null) return // a listener before has done it
  const wasIdle = this[kIdle]
  const wasCores = isCores(this)
  this.removeListener('free', onSocketFree)
  this.removeListener('close', onSocketClose)
  this.removeListener('timeout', onSocketTimeout)
  this.removeListener('agentRemove', onSocketRemove)
  try {
    agent.removeSocket(this, this[kOptions])
  } finally {
    leave(this)
    this[kAgent] = null
    this[kIdle] = false
    if (this[kCore] !== undefined) exchange.letGo(this)
    if (!wasCores) {
      this.removeListener('error', ignore)
      unguard(this)
    } else if (wasIdle) {
      this.once('error', exchange.onIdleError) // stays, as Node's does
    }
  }
}

function removeSocket (socket) {
  if (socket[kAgent] === this) leave(socket)
}

// Whatever has become of the listeners above, or of removeSocket(): one that has
// closed is in no pool.
function leave (socket) {
  const id = socket[kConn]
  if (id === undefined) return
  socket[kConn] = undefined
  if (sockets[id & INDEX_MASK] === socket) sockets[id & INDEX_MASK] = undefined
  if (socket[kCore]?.id !== id) handles[id & INDEX_MASK] = undefined
  giveRoom(socket[kAgent], id)
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
  poolOf(this)
  const answer = native.release(id, mayIdle, idleLimit(this))
  if (debugging) debug('connection %d is free: %s', id, verdictNames[answer])
  if (answer === verdict.HANDOVER) {
    const queued = unqueue(registers[register.WAITER])
    try {
      queued.runInAsyncScope(handOver, null, this, socket, queued)
    } catch (err) {
      if (!queued.begun) socket.destroy()
      failUnbegun(queued, err)
      throw err
    }
  } else if (answer === verdict.IDLE) {
    clearAsyncId(socket)
    let kept = false
    try {
      kept = keep(this, socket, req)
    } finally {
      if (!kept) socket.destroy()
    }
  } else {
    socket.destroy()
  }
}

function handOver (agent, socket, queued) {
  const { req } = queued
  queued.begun = true
  if (!suits(socket, req)) {
    socket.destroy()
    return createForWaiting(agent, queued, 0) // it has waited for its turn
  }
  resetAsyncId(socket)
  setRequestSocket(agent, req, socket)
}

function keep (agent, socket, req) {
  let kept = false
  try {
    kept = agent.keepSocketAlive(socket) // which looks at the response
  } finally {
    socket._httpMessage = null
  }
  if (!kept) return false
  if (!isCores(socket)) {
    if (socket.readableLength > 0) return false // nobody asked for that
    socket.once('error', exchange.onIdleError)
    guard(socket)
  }
  socket[kIdle] = true
  return true
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
  return native.setIdle(socket[kConn] ?? 0, Math.min(ms, idleLimit(this))) !== NO_MEMORY
}

// The time limit that a server's hint has set is not the next request's (Node's is:
// nodejs/node#53458). One that somebody has set since is.
function unhint (agent, socket) {
  if (!(socket[kHinted] >= 0)) return
  if (socket.timeout === socket[kHinted]) socket.setTimeout(agent.options.timeout || 0)
  socket[kHinted] = -1
}

inherit(Agent, BaseAgent)

module.exports = { Agent, construct, addOptions, inherit }
