// SPDX-License-Identifier: MIT
//
// A worker thread that asks the origin on workerData.port for /json n times at
// once over an Agent of its own (as http.globalAgent if `global`), and posts
// how many answers were right and how many sockets it has. It exits then if
// `leave`, or ends by itself.
'use strict'

const http = require('node:http')
const { parentPort, workerData, threadId } = require('node:worker_threads')

const { Agent } = require('./agent')
const { request } = require('./request')

async function main ({ port, n, sockets, global, leave }) {
  const agent = new Agent({ maxSockets: sockets })
  if (global) http.globalAgent = agent
  const options = global ? { port } : { port, agent }
  const answers = await Promise.all(Array.from({ length: n }, async (_, i) => {
    const { body } = await request({ ...options, path: `/json?${threadId}.${i}` })
    return JSON.parse(body).url === `/json?${threadId}.${i}`
  }))
  parentPort.postMessage({ right: answers.filter(Boolean).length, sockets: agent.totalSocketCount })
  if (leave) process.exit(0) // with its connections open
}

main(workerData)
