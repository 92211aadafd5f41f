// SPDX-License-Identifier: MIT
//
// Starts `requests` requests at once over few connections and waits for the last
// one: the cost of a long queue. A smaller burst is the warm-up.
'use strict'

function burst (send, tally, requests) {
  return new Promise((resolve) => {
    let left = requests
    const finish = (slot, err, status, bytes) => {
      tally.add(err, status, bytes)
      if (--left === 0) resolve()
    }
    for (let i = 0; i < requests; i++) send(0, finish)
  })
}

module.exports = async function run (client, plan, { meter, tally }) {
  const send = client.open(plan)
  await burst(send, tally, plan.warmUpRequests)
  meter.start()
  await burst(send, tally, plan.requests)
  return meter.stop(plan.requests)
}
