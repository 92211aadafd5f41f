// SPDX-License-Identifier: MIT
//
// A socket that belongs to an agent, on either lane: the listeners that it has, how it is
// kept idle and reused, and how it leaves the pool.
'use strict'

const native = require('./binding')
const exchange = require('./exchange')
const { handles, INDEX_MASK } = require('./shared-ring')
const {
  NodeHandle, guard, unguard, whenClosed, addKeylog, completeMethods
} = require('./node-lane')
const { resetAsyncId, clearAsyncId } = require('./async-ids')
const { debug, debugging } = require('./diagnostics')
const { ignore, rethrow } = require('./errors')
const {
  kPool, kAgent, kConn, kOptions, kIdle, kHinted, kCore, kExchange
} = require('./symbols')

// Is the socket's entry in the pool its own connection of the core? Not if the socket is
// Node's, or belonged to another agent before (a CONNECT's, through a createConnection).
function isCores (socket) {
  return socket[kCore] !== undefined && socket[kCore].id === socket[kConn]
}

// Node: installListeners(). The functions are shared; their state is on the socket. A
// socket of Node's also gets a listener for 'error': Node removes its own at the end of a
// response, and a req.destroy(err) just before would then make the socket throw.
function install (agent, socket, options, id) {
  const isKnown = socket[kAgent] !== undefined
  if (isKnown) takeBack(socket)
  socket[kAgent] = agent
  socket[kOptions] = options
  socket[kConn] = id
  agent[kPool].put(id, socket)
  if (!isCores(socket)) {
    native.external(id)
    handles[id & INDEX_MASK] = new NodeHandle(id, socket)
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

// A custom createConnection has returned a socket of the pool again: the socket leaves its
// place. A request that waits for that place may get it in the same way.
function takeBack (socket) {
  while (socket[kConn] !== undefined) onSocketRemove.call(socket)
  socket.removeListener('error', exchange.onIdleError)
}

function onSocketFree () {
  this[kAgent]?.emit('free', this, this[kOptions]) // null: an earlier listener has taken it
}

function onSocketClose () {
  if (debugging) debug('connection %s is closed', this[kConn] ?? 'that left the pool')
  try {
    this[kAgent]?.removeSocket(this, this[kOptions])
  } catch (err) {
    process.nextTick(rethrow, err) // the request's own listener runs after this
  }
}

function onSocketTimeout () {
  if (this[kIdle]) this.destroy()
  else if (this[kExchange]?.tellsTimeout === false) this._httpMessage.res?.emit('timeout')
}

// It continues to work, but without the agent: at once, or when its current or coming
// request has ended.
function onSocketRemove () {
  const agent = this[kAgent]
  if (agent === null) return // an earlier listener has done it
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

// Whatever happened to the listeners above, or to removeSocket(): a closed socket is in no
// pool.
function leave (socket) {
  const id = socket[kConn]
  if (id === undefined) return
  socket[kConn] = undefined
  if (socket[kCore]?.id !== id) handles[id & INDEX_MASK] = undefined
  socket[kAgent][kPool].remove(id, socket)
}

// Keeps a socket that is idle in the pool. Result: false if it cannot be kept.
function keep (agent, socket, req) {
  clearAsyncId(socket)
  let kept = false
  try {
    kept = agent.keepSocketAlive(socket) // which reads the response
  } finally {
    socket._httpMessage = null
  }
  if (!kept) return false
  if (!isCores(socket)) {
    if (socket.readableLength > 0) return false // no request asked for it
    socket.once('error', exchange.onIdleError)
    guard(socket)
  }
  socket[kIdle] = true
  return true
}

// A request gets it again.
function wake (agent, socket) {
  socket[kIdle] = false
  if (!isCores(socket)) { // not in reuseSocket(), which may be overridden
    socket.removeListener('error', exchange.onIdleError)
    unguard(socket)
  }
  resetAsyncId(socket)
  unhint(agent, socket)
}

// A time limit from a server's hint does not apply to the next request (with Node it does:
// nodejs/node#53458). One that the user has set since does.
function unhint (agent, socket) {
  if (!(socket[kHinted] >= 0)) return
  if (socket.timeout === socket[kHinted]) socket.setTimeout(agent.options.timeout || 0)
  socket[kHinted] = -1
}

module.exports = { isCores, install, leave, keep, wake }
