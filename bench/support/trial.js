// SPDX-License-Identifier: MIT
//
// Runs one trial in a fresh process and reads its line of JSON. The result
// has `error` if the trial failed, and also `missing` if the client could not be
// loaded.
'use strict'

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')

const { pinned, CLIENT_CORE } = require('./pin')

const CHILD = path.join(__dirname, 'child.js')
const CANNOT_LOAD = 3 // as in child.js
const TIME_LIMIT = 180000 // ms

async function runTrial (plan, flags = []) {
  const [command, args] = pinned(CLIENT_CORE, process.execPath,
    [...flags, CHILD, JSON.stringify({ ...plan, core: CLIENT_CORE })])
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let late = false
  const timer = setTimeout(() => {
    late = true
    child.kill('SIGKILL')
  }, TIME_LIMIT)
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => { out += chunk })
  child.stderr.on('data', (chunk) => { err += chunk })
  const [status, signal] = await once(child, 'close')
  clearTimeout(timer)
  if (late) return { error: `not done after ${TIME_LIMIT / 1000} s` }
  if (status === CANNOT_LOAD) return { error: err, missing: true }
  if (status !== 0) return { error: brief(err) || `ended by ${signal ?? `exit code ${status}`}` }
  const result = JSON.parse(out, (key, value) => value === null && key !== 'firstError' ? NaN : value)
  if (result.errors > 0) result.error = `${result.errors} errors, the first: ${result.firstError}`
  return result
}

// The message of an uncaught error comes after the line of source it is in.
function brief (stderr) {
  const lines = stderr.trim().split('\n')
  return lines.find((line) => /^\w*(Error|Assertion)/.test(line)) ?? lines.slice(0, 3).join(' | ')
}

module.exports = { runTrial }
