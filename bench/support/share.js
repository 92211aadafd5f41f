// SPDX-License-Identifier: MIT
//
// hawser's own share of a request: its CPU less what Node's own objects cost
// without any I/O (clients/floor.js) and less the bare system calls (bare.c), all
// three measured in the same round. Unlike the ratio, it hardly depends on the
// kernel's share on a host.
'use strict'

const { execFile } = require('node:child_process')
const path = require('node:path')
const { promisify } = require('node:util')

const { payload } = require('../origins/payload')
const compile = require('./compile')
const { pinned, CLIENT_CORE } = require('./pin')
const { trialPlan } = require('./plan')
const { summary } = require('./statistics')
const { runTrial } = require('./trial')

const WARM_UP = 200 // ms; there is nothing to optimise in C
const BUSY = 0.85 // share of its core that the bare client must have used
const SOURCE = path.join(__dirname, '..', 'bare.c')

async function runBare ({ plan }, origin, settings) {
  let binary
  try {
    binary = compile(SOURCE)
  } catch (err) {
    return { error: err.message, missing: true }
  }
  try {
    const [command, args] = pinned(CLIENT_CORE, binary, [origin.port, origin.paths[plan.path],
      payload(plan.path), plan.connections, WARM_UP, settings.duration].map(String))
    const { stdout } = await promisify(execFile)(command, args)
    return JSON.parse(stdout)
  } catch (err) {
    return { error: (err.stderr || err.message).trim() }
  }
}

const trials = (scenario, origin, settings) => ({
  floor: () => runTrial(trialPlan(scenario, 'floor', origin, settings)),
  bare: () => runBare(scenario, origin, settings)
})

// One per round that has all three.
function shares ({ hawser, floor, bare }) {
  const cpu = ({ user, system }) => user + system
  return hawser.map((trial, round) => [trial, floor[round], bare[round]])
    .filter((three) => three.every(({ error }) => error === undefined))
    .map((three) => three.map(cpu))
    .map(([own, node, kernel]) => ({ share: own - node - kernel, own, node, kernel }))
}

// results: the trials by client, and those of the two clients above.
function describe (results) {
  const failed = [...results.floor, ...results.bare].find(({ error }) => error !== undefined)
  if (failed !== undefined) return `hawser's own share: NOT MEASURED: ${failed.error}`
  // If it has to wait for the origin, it sleeps and is woken for single responses.
  if (results.bare.some(({ clientBusy }) => clientBusy < BUSY)) {
    return 'hawser\'s own share: NOT MEASURED: the origin was the limit for the bare client'
  }
  const list = shares(results)
  if (list.length === 0) return 'hawser\'s own share: NOT MEASURED'
  const us = (key) => summary(list.map((one) => one[key])).median.toFixed(1)
  const { min, max } = summary(list.map(({ share }) => share))
  return `hawser's own share of a request: ${us('share')} us (${min.toFixed(1)}-${max.toFixed(1)}): ` +
    `CPU ${us('own')}, less ${us('node')} for Node's own objects, ` +
    `less ${us('kernel')} for the bare system calls`
}

module.exports = { trials, describe }
