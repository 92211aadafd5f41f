// SPDX-License-Identifier: MIT
//
// node bench/floor.js [IN_FLIGHT]: the CPU of a request without any I/O
// (clients/floor.js). With more in flight than the 50 of the other scenarios it
// shows what so many live requests cost V8.
'use strict'

const floor = require('./clients/floor')
const closedLoop = require('./drivers/closed-loop')
const { Meter } = require('./support/meter')
const { Tally } = require('./support/tally')

const plan = {
  method: 'GET',
  path: '/11',
  port: 1,
  bytes: 11,
  concurrency: Number(process.argv[2] ?? 50),
  warmUp: 1500, // ms
  duration: 2000, // ms
  originPids: []
}
const tally = new Tally(plan)

closedLoop(floor, plan, { meter: new Meter(plan), tally }).then(({ user, system, requests }) => {
  if (tally.errors > 0) throw new Error(tally.first)
  console.log(`${process.version}: ${(user + system).toFixed(2)} us a request (${requests} requests)`)
  process.exit()
})
