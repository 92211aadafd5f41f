// SPDX-License-Identifier: MIT
//
// Everything specific to connections whose socket is Node's own: https, a proxy, a custom
// createConnection. They are in the core's pool too, and Node's own code in ClientRequest
// serves their requests.
'use strict'

const http = require('node:http')

const ring = require('./shared-ring')
const host = require('./host')
const { symbolOf } = require('./symbols')

const PATH_MAX = 107 // sun_path, without the NUL

const kOnRead = Symbol('hawser.onread')

// The only record of such a connection: that it was idle for too long.
class NodeHandle {
  constructor (id, socket) {
    this.tag = ring.tagOf(id)
    this.socket = socket
  }

  onRecords () {
    while (ring.take(this.tag) !== -1) this.socket.destroy()
  }

  lose (_, err) { this.socket.destroy(err) }
}

// Anything read on an idle socket closes it. Node >= 22.23 does the same, in the listener
// for 'free' that hawser's replaces. A socket that is still connecting may get another
// handle.
function guard (socket) {
  if (socket.connecting) return socket.once('connect', onConnectIdle)
  const handle = socket._handle
  if (typeof handle?.onread !== 'function') return
  const onread = handle.onread
  socket[kOnRead] = onread
  handle.onread = function (bytes) {
    if (bytes !== undefined) socket.destroy()
    else Reflect.apply(onread, handle, arguments) // the end, or TLS without plaintext
  }
}

function onConnectIdle () {
  guard(this)
}

function unguard (socket) {
  socket.removeListener('connect', onConnectIdle)
  const handle = socket._handle
  if (handle && socket[kOnRead] !== undefined) handle.onread = socket[kOnRead]
  socket[kOnRead] = undefined
}

// Calls leave(socket) when the socket has closed, even without listeners: after the callback
// in which net emits 'close', or, for a stream without a handle, after that of destroy().
function whenClosed (socket, leave) {
  const later = () => process.nextTick(leave, socket)
  if (socket.destroyed) setImmediate(leave, socket)
  const destroy = socket._destroy
  if (typeof destroy !== 'function') return
  const own = function (err, callback) {
    const handle = this._handle
    if (typeof handle?.close === 'function') {
      wrapLast(handle, 'close', later)
      if (typeof handle.reset === 'function') wrapLast(handle, 'reset', later)
      return destroy.call(this, err, callback)
    }
    try {
      destroy.call(this, err, (error) => {
        callback(error) // emits 'close' in a tick
        later()
      })
    } catch (error) { // a stream that fails to close counts as closed
      later()
      throw error
    }
  }
  Object.defineProperty(socket, '_destroy', { value: own, writable: true, configurable: true })
}

// Makes object[name](callback) call `then` too.
function wrapLast (object, name, then) {
  const method = object[name]
  object[name] = function (callback) {
    return method.call(this, () => {
      then()
      callback?.()
    })
  }
}

// Undefined in a Node without proxy support, or that stores it elsewhere.
const kProxyConfig = symbolOf(new http.Agent({ proxyEnv: {} }), 'kProxyConfig')

function hasProxy (agent) {
  return Boolean(kProxyConfig === undefined ? agent.options.proxyEnv : agent[kProxyConfig])
}

// Longer and abstract names are left to Node, which reports their errors.
function isPlainPath (path) {
  return typeof path !== 'string' || (!path.includes('\0') && Buffer.byteLength(path) <= PATH_MAX)
}

// Options that only net implements.
const NET_OPTIONS = ['handle', 'fd', 'onread', 'blockList', 'signal', 'typeOfService']

// Why Node makes a connection, or null if the core does, for plain http. `req` is null if no
// particular request is meant.
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

// https through a proxy: the request does not get the socket before the tunnel is open, when
// createConnection's callback is called.
function waitsForTunnel (agent, socket) {
  return hasProxy(agent) && socket[symbolOf(socket, 'kWaitForProxyTunnel')] === true
}

// Node: handleSocketAfterProxy(). ClientRequest leaves this error to the agent.
function emitTunnelError (req, err) {
  if (err.code !== 'ERR_PROXY_TUNNEL') return
  if (err.proxyTunnelTimeout) req.emit('timeout')
  req.emit('error', err)
}

// The agent has this listener if there is a listener for its 'keylog'.
function addKeylog (agent, socket) {
  const onkeylog = agent.listenerCount('keylog') === 0
    ? undefined
    : agent[symbolOf(agent, 'onkeylog')]
  if (onkeylog !== undefined) socket.on('keylog', onkeylog)
}

// What Node's agent and ClientRequest call on a socket, for a Duplex that is not one.
const METHODS = {
  setKeepAlive () { return this },
  setTimeout () { return this },
  ref () { return this },
  unref () { return this },
  destroySoon () { // Node: net.Socket.prototype.destroySoon()
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', this.destroy)
  }
}

function completeMethods (socket) {
  for (const name of Object.keys(METHODS)) {
    if (typeof socket[name] !== 'function') {
      Object.defineProperty(socket, name,
        { value: METHODS[name], writable: true, configurable: true })
    }
  }
}

module.exports = {
  NodeHandle,
  guard,
  unguard,
  whenClosed,
  whyNode,
  waitsForTunnel,
  emitTunnelError,
  addKeylog,
  completeMethods
}
