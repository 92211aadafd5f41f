// SPDX-License-Identifier: MIT
//
// Names of what our files keep on each other's objects, and on Node's; and how
// Node's own are found.
'use strict'

// The symbol under which Node keeps something on an object, by its description.
function symbolOf (object, description) {
  return Object.getOwnPropertySymbols(object).find((symbol) => symbol.description === description)
}

module.exports = {
  symbolOf,
  // on a socket of either lane
  kAgent: Symbol('hawser.agent'),
  kConn: Symbol('hawser.connection'), // id in the core while it is in the pool
  kOptions: Symbol('hawser.options'), // what it was created with
  kNext: Symbol('hawser.next'), // the waiting request that it was made for
  kIdle: Symbol('hawser.idle'), // is it free, or was it until it closes
  kHinted: Symbol('hawser.hinted'), // ms that a server's hint has set as its timeout, or -1
  // on a socket of the fast lane
  kCore: Symbol('hawser.core'), // its CoreHandle, also after destroy()
  kExchange: Symbol('hawser.exchange'),
  kAssigned: Symbol('hawser.assigned'), // does a request get it on the next tick
  // on a ClientRequest
  kPlace: Symbol('hawser.place'), // { agent, id } of its place in a pool, or null
  // on an Agent
  kPool: Symbol('hawser.pool')
}
