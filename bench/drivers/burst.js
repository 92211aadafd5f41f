// SPDX-License-Identifier: MIT
//
// Starts `requests` requests in one go over few connections and waits for the
// last one: what a long queue costs. A smaller burst warms up.
'use strict'

function burst (client, send, plan, requests) {
  return new Promise((resolve, reject) => {
    let left = requests
    const finish = (slot, err, bytes) => {
      if (err) return reject(err)
      if (bytes !== plan.bytes) return reject(new Error(`${bytes} bytes instead of ${plan.bytes}`))
      if (--left === 0) resolve()
    }
    for (let i = 0; i < requests; i++) send(0, finish)
  })
}

module.exports = async function run (client, plan) {
  const send = client.open(plan)
  await burst(client, send, plan, plan.warmUpRequests)
  const cpu = process.cpuUsage()
  const from = performance.now()
  await burst(client, send, plan, plan.requests)
  const used = process.cpuUsage(cpu)
  const seconds = (performance.now() - from) / 1000
  return {
    rps: plan.requests / seconds,
    user: used.user / plan.requests,
    system: used.system / plan.requests,
    p50: NaN,
    p99: NaN,
    requests: plan.requests,
    seconds
  }
}
