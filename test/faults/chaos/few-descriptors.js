// SPDX-License-Identifier: MIT
//
// Run under a low `ulimit -n`: most connections cannot be made. Each request
// must end once, with its response or with EMFILE, and afterwards the agent must
// work as before. The server is the caller's, which has more descriptors.
//
// Usage: few-descriptors.js <seed> <port> <hawser | builtin>
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')

const { Planner } = require('./plan')

const CROWD = 300
const AFTERWARDS = 100

const [seed, port] = process.argv.slice(2, 4).map(Number)
const Agent = process.argv[4] === 'builtin' ? http.Agent : require('../../..').Agent

const planner = new Planner(seed)
const ids = []
for (let id = 0; ids.length < CROWD + AFTERWARDS; id++) {
  const { fault, kind, framing } = planner.plan(id)
  if (fault === 'none' && kind === 'get' && framing !== 'close') ids.push(id)
}

function request (id, agent) {
  return new Promise((resolve) => {
    let outcome = ''
    const chunks = []
    const req = http.get({ host: '127.0.0.1', port, agent, path: `/${id}` }, (res) => {
      res.on('data', (chunk) => chunks.push(chunk))
      res.on('end', () => {
        outcome += Buffer.concat(chunks).equals(planner.answer(planner.plan(id)).body) ? 'ok' : 'wrong'
      })
    })
    req.on('error', (err) => { outcome += err.code })
    req.on('close', () => setImmediate(() => resolve(outcome)))
  })
}

async function main () {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 4 })
  const counts = {}
  const outcomes = await Promise.all(ids.slice(0, CROWD).map((id) => request(id, agent)))
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1
  assert.deepEqual(Object.keys(counts).sort(), ['EMFILE', 'ok'], JSON.stringify(counts))
  for (const id of ids.slice(CROWD)) assert.equal(await request(id, agent), 'ok')
  assert.deepEqual(Object.keys(agent.sockets), [])
  assert.deepEqual(Object.keys(agent.requests), [])
  agent.destroy()
  console.log(`${JSON.stringify(counts)}, then ${AFTERWARDS} ok`)
}

main()
