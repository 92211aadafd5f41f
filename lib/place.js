// SPDX-License-Identifier: MIT
//
// From a place in the pool, or a connection that the pool hands over, to a request's socket:
// at once, or when a waiting request gets its turn. agent.createSocket() makes connections;
// it may be overridden, so the place is kept on the request until then.
'use strict'

const { AsyncResource } = require('node:async_hooks')

const exchange = require('./exchange')
const { merge } = require('./origin-key')
const { emitTunnelError } = require('./node-lane')
const { resetAsyncId } = require('./async-ids')
const { hasNodesOnSocket } = require('./host')
const { ignore, rethrow } = require('./errors')
const { kPool, kPlace, kConn, kCore, kNext } = require('./symbols')

// The pool has a place for req; the connection made for it becomes the request's socket.
function create (agent, req, options, id) {
  req[kPlace] = { agent, id }
  let given = false
  try {
    agent.createSocket(req, merge(agent, req, options), (err, socket) => {
      dropPlace(req) // a custom createSocket may not have used it
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
    if (given) { // http.request() throws: the user does not have the request
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

// The place of req in the agent's pool for the result of createSocket(); a new one if that
// was called without addRequest().
function placeFor (agent, req, key) {
  if (req[kPlace]?.agent !== agent) return agent[kPool].add(key)
  const { id } = req[kPlace]
  req[kPlace] = null
  return id
}

// A waiting request, in the async context in which it was made.
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

// As in Node, 'free' is emitted for a connection made for a waiting request, which then gets
// it, whatever a listener does. An exception of createSocket() fails this request too: it
// must not reach the request that made room.
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
      process.nextTick(rethrow, err) // createSocket(), which is not the cause, may be on the stack
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

// The request for which a connection was made takes it.
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
    return createForWaiting(queued, 0) // it has had its turn
  }
  resetAsyncId(socket)
  setRequestSocket(agent, req, socket)
}

// A connection of the core cannot serve a request that has its own onSocket().
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
