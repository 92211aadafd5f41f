// SPDX-License-Identifier: MIT
//
// Four processes of a cluster, each a client of all: calm, and with one that ends.
'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const path = require('node:path')
const { test } = require('node:test')

const SCRIPT = path.join(__dirname, 'cluster', 'run.js')

for (const how of ['calm', 'killed', 'exits']) {
  test(`four workers: ${how}`, async () => {
    const child = spawn(process.execPath, [SCRIPT, how],
      { stdio: ['ignore', 'pipe', 'pipe'], timeout: 50_000, killSignal: 'SIGKILL' })
    let out = ''
    child.stdout.on('data', (chunk) => { out += chunk })
    child.stderr.on('data', (chunk) => { out += chunk })
    const ended = await new Promise((resolve) => {
      child.on('close', (status, signal) => resolve([status, signal]))
    })
    assert.deepEqual(ended, [0, null], out)
    assert.equal(out.trim(), 'ok')
  })
}
