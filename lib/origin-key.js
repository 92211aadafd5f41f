// SPDX-License-Identifier: MIT
//
// Names of origins: the key under which a request's connections are kept, and the merged
// options from which the name and the connection are made. Values that a look-up or TLS
// could misread are refused here.
'use strict'

const http = require('node:http')
const net = require('node:net')

const { nullByte } = require('./errors')
const { typeError } = require('./options')

// Read now: the program, or hawser/register, may replace it later.
const baseGetName = http.Agent.prototype.getName

const kLast = Symbol('hawser.lastKey')

// The value of kLast before an agent's first request.
function noKey () {
  return { host: null, port: null, key: '' }
}

// Node: getName(), without the agent's own options when they do not matter.
function keyOf (agent, req, options) {
  const own = agent.options
  if (options.host !== agent[kLast].host) checkHost(options.host)
  if (agent.getName !== baseGetName || 'host' in own || 'port' in own ||
      'localAddress' in own || 'family' in own || 'socketPath' in own) { // undefined, too
    return String(agent.getName(merge(agent, req, options)))
  }
  const { host, port } = options
  if (options.localAddress || options.family || options.socketPath) {
    return baseGetName.call(agent, options)
  }
  const last = agent[kLast] // usually it is the same again, and making a string costs more
  if (last.host !== host || last.port !== port) {
    agent[kLast] = { host, port, key: baseGetName.call(agent, options) }
  }
  return agent[kLast].key
}

// A look-up would end at the NUL and find another host. Node checks this since 22.
function checkHost (host) {
  if (typeof host === 'string' && host.includes('\0')) throw nullByte('options.host', host)
}

// Inherits nothing, like Node's options. A constructor makes objects of one shape;
// { __proto__: null } is a hash table in V8 and takes more memory, which counts because a
// socket keeps its options as long as it lives.
function Options () {}
Options.prototype = Object.create(null)

// Node: the options that createConnection() gets; the agent's take precedence.
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

module.exports = { keyOf, merge, hostHeader, noKey, kLast }
