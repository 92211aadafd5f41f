// SPDX-License-Identifier: MIT
//
// Opens all connections of all origins first, and then runs a closed loop in which
// the origins take turns.
'use strict'

const openConnections = require('../support/open-connections')
const closedLoop = require('./closed-loop')

module.exports = async function turns (client, plan, tools) {
  const send = client.open(plan)
  await openConnections(send, tools.tally, plan.origins, plan.connections)
  let turn = 0
  const inTurn = (slot, done) => {
    send(turn++, (_, err, status, bytes) => done(slot, err, status, bytes))
  }
  return closedLoop({ open: () => inTurn }, plan, tools)
}
