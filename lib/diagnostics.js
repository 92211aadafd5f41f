// SPDX-License-Identifier: MIT
//
// For debugging: NODE_DEBUG=hawser, and util.inspect(agent).
'use strict'

const { debuglog } = require('node:util')

const debug = debuglog('hawser')

// Check this first, so that no arguments are made in vain.
const debugging = debug.enabled

// Connections and requests per origin, as numbers.
function origins (agent) {
  const found = {}
  for (const [list, what] of [['sockets', 'active'], ['freeSockets', 'idle'], ['requests', 'waiting']]) {
    for (const [name, members] of Object.entries(agent[list])) {
      found[name] ??= { active: 0, idle: 0, waiting: 0 }
      found[name][what] = members.length
    }
  }
  return found
}

class Summary {
  constructor (agent) {
    Object.assign(this, {
      lane: agent.lane,
      laneReason: agent.laneReason,
      keepAlive: agent.keepAlive,
      keepAliveMsecs: agent.keepAliveMsecs,
      ...(Object.hasOwn(agent, 'freeSocketTimeout') && { freeSocketTimeout: agent.freeSocketTimeout }),
      maxSockets: agent.maxSockets,
      maxTotalSockets: agent.maxTotalSockets,
      maxFreeSockets: agent.maxFreeSockets,
      scheduling: agent.scheduling,
      options: agent.options,
      origins: origins(agent)
    })
  }
}

function inspectAgent (agent, options, inspect) {
  const summary = inspect(new Summary(agent), options)
  return summary.replace('Summary', agent.constructor?.name ?? 'Agent')
}

module.exports = { debug, debugging, inspectAgent }
