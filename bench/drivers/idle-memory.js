// SPDX-License-Identifier: MIT
//
// RSS of one idle pooled connection: opens many at once, lets them become idle
// and compares, after two collections. 3,000 requests at once make V8's young
// generation grow, with any client; it is given back some seconds later, and
// only then is what is left the connections'. Needs --expose-gc.
'use strict'

const SETTLE = 12000 // ms; V8's memory reducer acts after about 8 s of rest

function openAll (send, plan, count) {
  return new Promise((resolve, reject) => {
    let left = count
    const finish = (slot, err) => {
      if (err) return reject(err)
      // 'free' comes on a later tick than the end of the response.
      if (--left === 0) setImmediate(resolve)
    }
    for (let i = 0; i < count; i++) send(0, finish)
  })
}

async function rss () {
  globalThis.gc()
  globalThis.gc()
  await new Promise((resolve) => setTimeout(resolve, SETTLE))
  globalThis.gc()
  globalThis.gc()
  return process.memoryUsage().rss
}

module.exports = async function idleMemory (client, plan) {
  if (plan.warmUpRequests > 0) {
    await openAll(client.open(plan), plan, plan.warmUpRequests)
    client.close()
  }
  const send = client.open(plan)
  const before = await rss()
  await openAll(send, plan, plan.requests)
  const after = await rss()
  return { bytes: (after - before) / plan.requests, requests: plan.requests }
}
