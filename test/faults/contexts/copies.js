// SPDX-License-Identifier: MIT
//
// Several copies of the package in one environment, at work at the same time.
//
// Usage: copies.js <port> <js | addon>: what is loaded again.
'use strict'

const assert = require('node:assert/strict')

const { exercise, forget } = require('./request')

const port = Number(process.argv[2])

async function main () {
  const agents = []
  for (let n = 0; n < 4; n++) {
    forget(process.argv[3] === 'addon')
    agents.push(require('../../..').Agent)
  }
  assert.equal(new Set(agents).size, 4)
  for (let round = 0; round < 3; round++) {
    await Promise.all(agents.map((Agent, n) => exercise(Agent, port, `copy-${n}`)))
  }
  console.log('ok')
}

main()
