// SPDX-License-Identifier: MIT
//
// From a place in the pool, or a connection that the pool hands over, to a request's
// socket: at once, or when the turn of a request that has waited has come. Connections
// are made by agent.createSocket(), which may be somebody's own, so the place is on the
// request until then.
'use strict'

const { AsyncResource } = require('node:async_hooks')

const exchange = require('./exchange')
const { merge } = require('./origin-key')
const { emitTunnelError } = require('./node-lane')
const { resetAsyncId } = require('./async-ids')
const { hasNodesOnSocket } = require('./host')
const { rethrow } = require('./errors')
const { kPool, kPlace, kConn, kCore, kNext } = require('./symbols')

function ignore () {}

// The pool has a place for req; what comes of it is the request's socket.
function create (agent, req, options, id) {
  req[kPlace] = { agent, id }
  let given = false
  try {
    agent.createSocket(req, merge(agent, req, options), (err, socket) => {
      dropPlace(req) // a createSocket of the user's may not have used it
      given = true
      if (err) {
        emitTunnelError(req, err)
        req.onSocket(socket, err)
      } else {
        setRequestSocket(agent, req, socket)
      }
    })
  } catch (err) {
    dropPlace(req)
    if (given) { // http.request() throws: nobody has the request
      req.on('error', ignore)
      req.destroy()
    }
    throw err
  }
}

function dropPlace (req) {
  const place = req[kPlace]
  if (!place) return
  req[kPlace] = null
  place.agent[kPool].remove(place.id)
}

// The place that req has in the agent's pool, for what createSocket() makes; a new one
// where it was called past addRequest().
function placeFor (agent, req, key) {
  if (req[kPlace]?.agent !== agent) return agent[kPool].add(key)
  const { id } = req[kPlace]
  req[kPlace] = null
  return id
}

// A request that waits for its turn, in the async context it was made in.
class QueuedRequest extends AsyncResource {
  constructor (agent, req, options) {
    super('QueuedRequest')
    this.agent = agent
    this.req = req
    this.options = options
    this.begun = false // its turn has come
  }

  connect (id) { this.runInAsyncScope(createForWaiting, null, this, id) }
  take (socket) { this.runInAsyncScope(takeOver, null, this, socket) }

  fail (err) {
    this.begun = true
    this.req.onSocket(null, err)
  }
}

// As Node does it, a connection made for a waiting request is announced as
// free, and then is the request's, whatever a listener for 'free' does. What
// createSocket() throws is the request's too: whoever made room has nothing to
// do with it.
function createForWaiting (queued, id) {
  const { agent, req, options } = queued
  queued.begun = true
  req[kPlace] = id === 0 ? null : { agent, id } // 0: createSocket() adds one
  let told = false
  const oncreate = (err, socket) => {
    dropPlace(req)
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

// The request that a connection was made for takes it.
function takeNext (agent, socket) {
  const next = socket[kNext]
  if (next === undefined) return false
  socket[kNext] = undefined
  setRequestSocket(agent, next, socket)
  return true
}

function takeOver (queued, socket) {
  const { agent, req } = queued
  queued.begun = true
  if (!suits(socket, req)) {
    agent[kPool].reject(socket[kConn], socket)
    return createForWaiting(queued, 0) // it has waited for its turn
  }
  resetAsyncId(socket)
  setRequestSocket(agent, req, socket)
}

// A connection of the core's is not for a request that waits for its own onSocket().
function suits (socket, req) {
  return !socket.destroyed && socket.writable &&
    (socket._handle !== socket[kCore] || hasNodesOnSocket(req))
}

function setRequestSocket (agent, req, socket) {
  if (socket[kCore] !== undefined && socket._handle === socket[kCore]) exchange.assign(req, socket)
  else exchange.assignNative(req, socket)
  const agentTimeout = agent.options.timeout || 0
  if (req.timeout === undefined || req.timeout === agentTimeout) return
  socket.setTimeout(req.timeout)
}

module.exports = { QueuedRequest, create, placeFor, dropPlace, takeNext, suits, setRequestSocket }
