// SPDX-License-Identifier: MIT
//
// One trial, in a process of its own: a client runs a scenario against the
// origin and prints one line of JSON. Started by trial.js.
'use strict'

const { Histogram } = require('./statistics')

const plan = JSON.parse(process.argv[2])
const client = require(`../clients/${plan.client}`)
const driver = require(`../drivers/${plan.driver}`)

driver(client, plan, { Histogram }).then((result) => {
  process.stdout.write(JSON.stringify(result), () => process.exit(0))
}, (err) => {
  process.stderr.write(`${err.stack}\n`)
  process.exit(1)
})
