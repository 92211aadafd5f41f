// SPDX-License-Identifier: MIT
//
// One trial, in its own process: a client runs a scenario against the origin and
// prints one line of JSON. Started by trial.js. The exit code CANNOT_LOAD means
// that the client's module is missing or not built.
'use strict'

const { Meter } = require('./meter')
const { Tally } = require('./tally')

const CANNOT_LOAD = 3

function load (name) {
  try {
    return require(`../clients/${name}`)
  } catch (err) {
    process.stderr.write(err.message.split('\n')[0])
    return process.exit(CANNOT_LOAD)
  }
}

async function main () {
  const plan = JSON.parse(process.argv[2])
  const driver = require(`../drivers/${plan.driver}`)
  const client = load(plan.client)
  const tally = new Tally(plan)
  const result = await driver(client, plan, { meter: new Meter(plan), tally })
  const line = JSON.stringify({ ...result, errors: tally.errors, firstError: tally.first })
  // exit: idle connections and timers of a client must not prolong the trial.
  process.stdout.write(line, () => process.exit(0))
}

main().catch((err) => {
  process.stderr.write(`${err.stack}\n`)
  process.exit(1)
})
