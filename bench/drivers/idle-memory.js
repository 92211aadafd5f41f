// SPDX-License-Identifier: MIT
//
// RSS of one idle pooled connection: opens many at once, lets them become idle
// and compares, after two collections. 3,000 requests at once make V8's young
// generation grow, with any client; V8 gives that memory back some seconds later
// (plan.settle), and only then does the rest belong to the connections. Needs
// --expose-gc.
'use strict'

const fs = require('node:fs')

const openConnections = require('../support/open-connections')

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
  const { origins = 1 } = plan
  if (plan.warmUpRequests > 0) {
    await openConnections(client.open(plan), tally, origins, plan.warmUpRequests / origins)
    client.close()
  }
  const send = client.open(plan)
  const before = await rss(plan.settle)
  const closed = descriptors()
  await openConnections(send, tally, origins, plan.requests / origins)
  const after = await rss(plan.settle)
  const open = descriptors() - closed
  if (open < plan.requests) tally.fail(`only ${open} connections of ${plan.requests} are idle`)
  const bytes = (after - before) / plan.requests
  return { bytes, requests: plan.requests, settle: plan.settle }
}
