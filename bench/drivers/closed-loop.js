// SPDX-License-Identifier: MIT
//
// Keeps `concurrency` requests in flight for a time: each that ends starts the
// next. Measures after a warm-up, and then waits for those still in flight: a
// request that never ends is an error, not a smaller load.
'use strict'

const { Histogram } = require('../support/statistics')

const LAST_CALL = 10000 // ms for the requests in flight at the end
const ERRORS_MAX = 100 // then the trial ends; it has failed anyway

module.exports = function closedLoop (client, plan, { meter, tally }) {
  return new Promise((resolve) => {
    const send = client.open(plan)
    const latencies = new Histogram()
    const starts = new Float64Array(plan.concurrency)
    let measuring = false
    let stopping = false
    let done = 0
    let underWay = 0
    let result = {}
    let lastCall = null

    function start (slot) {
      underWay++
      starts[slot] = performance.now()
      send(slot, finish)
    }

    function finish (slot, err, status, bytes) {
      underWay--
      if (measuring) {
        latencies.add((performance.now() - starts[slot]) * 1000)
        done++
      }
      tally.add(err, status, bytes)
      if (tally.errors > ERRORS_MAX) stopping = true
      if (!stopping) start(slot)
      else if (underWay === 0 && lastCall !== null) end()
    }

    function begin () {
      measuring = true
      meter.start()
      setTimeout(measured, plan.duration)
    }

    function measured () {
      result = meter.stop(done)
      measuring = false
      stopping = true
      result.p50 = latencies.percentile(50)
      result.p99 = latencies.percentile(99)
      lastCall = setTimeout(end, LAST_CALL)
      if (underWay === 0) end()
    }

    function end () {
      clearTimeout(lastCall)
      if (underWay > 0) tally.fail(`${underWay} requests have not ended`)
      resolve(result)
    }

    for (let slot = 0; slot < plan.concurrency; slot++) start(slot)
    // A timer set in this tick would count from before the loop above.
    setImmediate(() => setTimeout(begin, plan.warmUp))
  })
}
