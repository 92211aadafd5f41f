// SPDX-License-Identifier: MIT
//
// Keeps `concurrency` requests in flight for a time: each that ends starts the
// next. Measures after a warm-up.
'use strict'

module.exports = function closedLoop (client, plan, { Histogram }) {
  return new Promise((resolve, reject) => {
    const send = client.open(plan)
    const latencies = new Histogram()
    const starts = new Float64Array(plan.concurrency)
    let measuring = false
    let stopping = false
    let done = 0
    let inFlight = 0

    function start (slot) {
      starts[slot] = performance.now()
      inFlight++
      send(slot, finish)
    }

    function finish (slot, err, bytes) {
      inFlight--
      if (err) return reject(err)
      if (bytes !== plan.bytes) return reject(new Error(`${bytes} bytes instead of ${plan.bytes}`))
      if (measuring) {
        done++
        latencies.add((performance.now() - starts[slot]) * 1000)
      }
      if (!stopping) start(slot)
      else if (inFlight === 0) client.close()
    }

    for (let slot = 0; slot < plan.concurrency; slot++) start(slot)
    setTimeout(() => {
      measuring = true
      const cpu = process.cpuUsage()
      const from = performance.now()
      setTimeout(() => {
        const used = process.cpuUsage(cpu)
        const seconds = (performance.now() - from) / 1000
        measuring = false
        stopping = true
        resolve({
          rps: done / seconds,
          user: used.user / done,
          system: used.system / done,
          p50: latencies.percentile(50),
          p99: latencies.percentile(99),
          requests: done,
          seconds
        })
      }, plan.duration)
    }, plan.warmUp)
  })
}
