// SPDX-License-Identifier: MIT
//
// The symbols under which hawser's files keep values on each other's objects and on Node's,
// and the look-up of Node's own symbols.
'use strict'

// The symbol under which Node keeps a value on an object, by its description.
function symbolOf (object, description) {
  return Object.getOwnPropertySymbols(object).find((symbol) => symbol.description === description)
}

module.exports = {
  symbolOf,
  // on a socket of either lane
  kAgent: Symbol('hawser.agent'),
  kConn: Symbol('hawser.connection'), // its id in the core while it is in the pool
  kOptions: Symbol('hawser.options'), // what it was created with
  kNext: Symbol('hawser.next'), // the waiting request that it was made for
  kIdle: Symbol('hawser.idle'), // is it free, or was it free when it began to close
  kHinted: Symbol('hawser.hinted'), // ms that a server's hint has set as its timeout, or -1
  // on a socket of the fast lane
  kCore: Symbol('hawser.core'), // its CoreHandle, also after destroy()
  kExchange: Symbol('hawser.exchange'),
  kAssigned: Symbol('hawser.assigned'), // will a request get it on the next tick
  // on a ClientRequest
  kPlace: Symbol('hawser.place'), // { agent, id } of its place in a pool, or null
  // on an Agent
  kPool: Symbol('hawser.pool')
}
