// SPDX-License-Identifier: MIT
//
// Runs a script in its own Node process: with `http` and the `Agent` under test in
// scope, or with nothing.
'use strict'

const { spawn } = require('node:child_process')

const SCOPE = `
  const http = require('node:http')
  const { Agent } = require(${JSON.stringify(require.resolve('./agent'))});`

function runScript (script, flags, env) {
  return runPlain(SCOPE + script, flags, env)
}

function runPlain (script, flags = [], env = {}) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...flags, '-e', script],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk) => { out += chunk })
    child.stderr.on('data', (chunk) => { err += chunk })
    child.on('close', (status, signal) => {
      resolve({ status, signal, out: out.trim(), err: err.trim() })
    })
  })
}

module.exports = { runScript, runPlain, SCOPE }
