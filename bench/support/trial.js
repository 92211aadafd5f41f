// SPDX-License-Identifier: MIT
//
// Runs one trial in a fresh process and reads its line of JSON.
'use strict'

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')

const { pinned, CLIENT_CORE } = require('./pin')

const CHILD = path.join(__dirname, 'child.js')
const TIME_LIMIT = 180000 // ms

async function runTrial (origin, scenario, client, settings) {
  const plan = {
    ...scenario.plan,
    client,
    driver: scenario.driver,
    port: origin.port,
    path: origin.paths[scenario.plan.path],
    duration: settings.duration,
    warmUp: settings.warmUp
  }
  const [command, args] = pinned(CLIENT_CORE, process.execPath,
    [...(scenario.flags ?? []), CHILD, JSON.stringify(plan)])
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), TIME_LIMIT)
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => { out += chunk })
  child.stderr.on('data', (chunk) => { err += chunk })
  const originBefore = origin.cpuSeconds()
  const from = performance.now()
  const [status, signal] = await once(child, 'close')
  clearTimeout(timer)
  if (status !== 0) {
    return { error: err.trim().split('\n').slice(0, 4).join(' | ') || `ended by ${signal ?? status}` }
  }
  const result = JSON.parse(out, (key, value) => value === null ? NaN : value)
  // Of the whole trial, warm-up included.
  result.originBusy = (origin.cpuSeconds() - originBefore) / ((performance.now() - from) / 1000)
  return result
}

module.exports = { runTrial }
