// SPDX-License-Identifier: MIT
//
// Not a measurement: a client gets every body of the origin several times over a
// few connections, and each must be right to the last byte. Also reports the
// version of the client.
'use strict'

const crypto = require('node:crypto')

const TIMES = 20 // per body
const CONNECTIONS = 4

function digests (client, plan) {
  return new Promise((resolve, reject) => {
    const hashes = Array.from({ length: TIMES }, () => crypto.createHash('sha256'))
    const found = new Set()
    let left = TIMES
    const send = client.open(plan, (slot, chunk) => hashes[slot].update(chunk))
    const finish = (slot, err, status) => {
      if (err !== null) return reject(err)
      found.add(`${status} ${hashes[slot].digest('hex')}`)
      if (--left === 0) resolve([...found])
    }
    for (let slot = 0; slot < TIMES; slot++) send(slot, finish)
  })
}

function about (client, peer) {
  if (peer) return { version: require(`${peer}/package.json`).version }
  if (client !== 'hawser') return { version: process.version }
  const { Agent } = require('../..')
  return { version: require('../../package.json').version, lane: new Agent().lane }
}

module.exports = async function sameBytes (client, plan, { tally }) {
  for (const { name, sha256, ...request } of plan.bodies) {
    const found = await digests(client, { ...request, port: plan.port, connections: CONNECTIONS })
    client.close()
    if (found.length !== 1 || found[0] !== `200 ${sha256}`) tally.fail(`wrong bytes for ${name}`)
  }
  return about(plan.client, plan.peer)
}
