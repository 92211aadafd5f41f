// SPDX-License-Identifier: MIT
//
// RSS of one idle pooled connection: opens many at once, lets them become idle
// and compares, after two collections. 3,000 requests at once make V8's young
// generation grow, with any client; it is given back some seconds later
// (plan.settle), and only then is what is left the connections'. Needs
// --expose-gc.
'use strict'

const fs = require('node:fs')

// Those of one origin at a time.
function openAll (send, tally, count, { origins = 1 }) {
  const each = count / origins
  return new Promise((resolve) => {
    function next (origin) {
      if (origin === origins) return resolve()
      let left = each
      const finish = (slot, err, status, bytes) => {
        tally.add(err, status, bytes)
        // 'free' comes on a later tick than the end of the response.
        if (--left === 0) setImmediate(next, origin + 1)
      }
      for (let i = 0; i < each; i++) send(origin, finish)
    }
    next(0)
  })
}

function collect () {
  globalThis.gc()
  globalThis.gc()
}

async function rss (settle) {
  collect()
  await new Promise((resolve) => setTimeout(resolve, settle))
  collect()
  return process.memoryUsage().rss
}

const descriptors = () => fs.readdirSync('/proc/self/fd').length

module.exports = async function idleMemory (client, plan, { tally }) {
  if (plan.warmUpRequests > 0) {
    await openAll(client.open(plan), tally, plan.warmUpRequests, plan)
    client.close()
  }
  const send = client.open(plan)
  const before = await rss(plan.settle)
  const closed = descriptors()
  await openAll(send, tally, plan.requests, plan)
  const after = await rss(plan.settle)
  const open = descriptors() - closed
  if (open < plan.requests) tally.fail(`only ${open} connections of ${plan.requests} are idle`)
  const bytes = (after - before) / plan.requests
  return { bytes, requests: plan.requests, settle: plan.settle }
}
