// SPDX-License-Identifier: MIT
//
// node --import hawser/register app.js, or node -r: replaces http.Agent, https.Agent and
// both global agents with hawser's, for CommonJS and ES modules, with Node's own defaults.
// unregister() restores Node's.
'use strict'

const http = require('node:http')
const https = require('node:https')
const { syncBuiltinESMExports } = require('node:module')

const { Agent, construct } = require('./agent')
const { HttpsAgent } = require('./https-agent')

// The options of Node's global agents (lib/_http_agent.js, lib/https.js).
const GLOBAL_OPTIONS = { keepAlive: true, scheduling: 'lifo', timeout: 5000 }

const HttpAgentOfNode = http.Agent
const inherited = Function.prototype[Symbol.hasInstance]

// A subclass of hawser's that has the name, the defaults and the statics of Base, Node's
// class, and for which instanceof is true wherever it was true for Base.
function standIn (Ours, Base) {
  function Agent (options) {
    if (!(this instanceof Agent)) return new Agent(options)
    if (inherited.call(Agent, this)) construct(this, Base, options)
    else Base.call(this, options) // its class inherited from Node's before
  }
  Object.setPrototypeOf(Agent.prototype, Ours.prototype)
  Object.setPrototypeOf(Agent, Ours)
  return Object.defineProperties(Agent, {
    [Symbol.hasInstance]: {
      value (object) { return inherited.call(this === Agent ? Base : this, object) }
    },
    defaultMaxSockets: { // Node's constructor reads its own
      get () { return HttpAgentOfNode.defaultMaxSockets },
      set (value) { HttpAgentOfNode.defaultMaxSockets = value },
      enumerable: true
    }
  })
}

function replace (module, Ours) {
  const { Agent, globalAgent } = module
  const { proxyEnv } = globalAgent.options // NODE_USE_ENV_PROXY
  module.Agent = standIn(Ours, Agent)
  const mine = new module.Agent(
    proxyEnv === undefined ? GLOBAL_OPTIONS : { ...GLOBAL_OPTIONS, proxyEnv })
  module.globalAgent = mine
  const MyAgent = module.Agent
  return () => {
    if (module.Agent === MyAgent) module.Agent = Agent
    if (module.globalAgent === mine) module.globalAgent = globalAgent
    for (const idle of Object.values(mine.freeSockets).flat()) idle.destroy()
  }
}

const undo = [replace(http, Agent), replace(https, HttpsAgent)]
syncBuiltinESMExports()

/**
 * Restores Node's agents, unless others have replaced hawser's since. Existing
 * agents continue to work; the global agents' idle connections are closed.
 */
function unregister () {
  while (undo.length > 0) undo.pop()()
  syncBuiltinESMExports()
}

module.exports = { unregister }
