// SPDX-License-Identifier: MIT
//
// Opens all connections of all origins first, those of one origin at a time, so
// that never many requests are alive at once (V8 would go on to take all of them
// for long-lived); then a closed loop in which origins take turns.
'use strict'

const closedLoop = require('./closed-loop')

function openConnections (send, tally, { origins, connections }) {
  return new Promise((resolve) => {
    function next (origin) {
      if (origin === origins) return resolve()
      let left = connections
      const finish = (slot, err, status, bytes) => {
        tally.add(err, status, bytes)
        if (--left === 0) setImmediate(next, origin + 1)
      }
      for (let i = 0; i < connections; i++) send(origin, finish)
    }
    next(0)
  })
}

module.exports = async function turns (client, plan, tools) {
  const send = client.open(plan)
  await openConnections(send, tools.tally, plan)
  let turn = 0
  const inTurn = (slot, done) => {
    send(turn++, (_, err, status, bytes) => done(slot, err, status, bytes))
  }
  return closedLoop({ open: () => inTurn }, plan, tools)
}
