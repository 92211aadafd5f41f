// SPDX-License-Identifier: MIT
//
// A socket while it is an agent's, of either lane: the listeners that it has then, how
// it is kept idle and woken, and how it leaves the pool.
'use strict'

const native = require('./binding')
const exchange = require('./exchange')
const { handles, INDEX_MASK } = require('./shared-ring')
const {
  NodeHandle, guard, unguard, whenClosed, addKeylog, completeMethods
} = require('./node-lane')
const { resetAsyncId, clearAsyncId } = require('./async-ids')
const { debug, debugging } = require('./diagnostics')
const { rethrow } = require('./errors')
const {
  kPool, kAgent, kConn, kOptions, kIdle, kHinted, kCore, kExchange
} = require('./symbols')

function ignore () {}

// Is what a socket has in a pool its own connection of the core's? Not if the
// socket is Node's, or was of another agent before (a CONNECT's, by a createConnection).
function isCores (socket) {
  return socket[kCore] !== undefined && socket[kCore].id === socket[kConn]
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

// Whatever has become of the listeners above, or of removeSocket(): one that has
// closed is in no pool.
function leave (socket) {
  const id = socket[kConn]
  if (id === undefined) return
  socket[kConn] = undefined
  if (socket[kCore]?.id !== id) handles[id & INDEX_MASK] = undefined
  socket[kAgent][kPool].remove(id, socket)
}

// Keeps a socket that the pool has idle. Result: false where it cannot be kept.
function keep (agent, socket, req) {
  clearAsyncId(socket)
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

// It is a request's again.
function wake (agent, socket) {
  socket[kIdle] = false
  if (!isCores(socket)) { // not in reuseSocket(), which may be somebody's
    socket.removeListener('error', exchange.onIdleError)
    unguard(socket)
  }
  resetAsyncId(socket)
  unhint(agent, socket)
}

// The time limit that a server's hint has set is not the next request's (Node's is:
// nodejs/node#53458). One that somebody has set since is.
function unhint (agent, socket) {
  if (!(socket[kHinted] >= 0)) return
  if (socket.timeout === socket[kHinted]) socket.setTimeout(agent.options.timeout || 0)
  socket[kHinted] = -1
}

module.exports = { isCores, install, leave, keep, wake }
