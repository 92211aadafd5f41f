// SPDX-License-Identifier: MIT
//
// What async_hooks sees of a connection: the ids of its handle, which change with each
// request that reuses it, as with Node's agent, and those of the handle's work.
'use strict'

const net = require('node:net')
const { AsyncResource } = require('node:async_hooks')

const { lack } = require('./host')
const { symbolOf, kCore } = require('./symbols')

const MANUAL_DESTROY = { requireManualDestroy: true }

const typeOf = (isPipe) => isPipe ? 'PIPEWRAP' : 'TCPWRAP'

// Part of a CoreHandle's work, started by it.
function workOf (handle, type) {
  return new AsyncResource(type, {
    triggerAsyncId: handle.getAsyncId(),
    requireManualDestroy: true
  })
}

// The AsyncLocalStorage stores with which a resource runs: in one property since 24,
// before that in one each.
const STORES = ['context_frame', 'kResourceStore']

// A replaced resource runs nothing any more.
function forgetStores (resource) {
  for (const symbol of Object.getOwnPropertySymbols(resource)) {
    if (STORES.includes(symbol.description)) resource[symbol] = undefined
  }
}

// The resource of a CoreHandle from its second request on. Node: lib/_http_agent.js.
class ReusedCoreHandle extends AsyncResource {
  constructor (handle) {
    super(typeOf(handle.isPipe), MANUAL_DESTROY)
    this.handle = handle
  }
}

// Ends the current resource of a CoreHandle. Result: the next one.
function nextResource (handle) {
  handle.resource.emitDestroy()
  if (handle.resource === handle) forgetStores(handle)
  return new ReusedCoreHandle(handle)
}

// The resource of a handle of Node's.
class ReusedHandle {
  constructor (handle) {
    this.type = handle.getProviderType?.()
    this.handle = handle
  }
}

// Node: socket[async_id_symbol], with which the socket's own callbacks run.
const kAsyncId = symbolOf(new net.Socket(), 'async_id_symbol')
if (kAsyncId === undefined) lack('async ids of reused sockets', 'Node keeps them elsewhere')

// Node: asyncResetHandle(); a reused handle gets a new id.
function resetAsyncId (socket) {
  const handle = socket._handle
  if (kAsyncId === undefined || typeof handle?.asyncReset !== 'function') return
  handle.asyncReset(handle === socket[kCore] ? undefined : new ReusedHandle(handle))
  socket[kAsyncId] = handle.getAsyncId()
}

// An idle socket has none.
function clearAsyncId (socket) {
  if (kAsyncId !== undefined) socket[kAsyncId] = -1
}

module.exports = { MANUAL_DESTROY, typeOf, workOf, nextResource, resetAsyncId, clearAsyncId }
