// SPDX-License-Identifier: MIT
//
// One addon, loaded more than once: copies of the package, vm contexts,
// modules, threads. Each works beside the others and the process ends by itself.
'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const path = require('node:path')
const { test } = require('node:test')

const { hawserOnly } = require('../support/agent')
const { httpServer } = require('../support/servers')

const ROWS = [
  ['copies of the JavaScript over one addon', ['copies.js'], ['js']],
  ['copies of JavaScript and addon', ['copies.js'], ['addon']],
  ['vm contexts', ['realms.js'], []],
  ['modules', ['--experimental-vm-modules', '--no-warnings', 'modules.mjs'], []],
  ['worker threads', ['threads.js'], []]
]

function run (args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args,
      { stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000, killSignal: 'SIGKILL' })
    let out = ''
    child.stdout.on('data', (chunk) => { out += chunk })
    child.stderr.on('data', (chunk) => { out += chunk })
    child.on('close', (status, signal) => resolve({ status, signal, out: out.trim() }))
  })
}

for (const [title, flags, args] of ROWS) {
  test(title, { skip: hawserOnly }, async (t) => {
    const port = await httpServer(t, (req, res) => res.end(req.url.repeat(1000)))
    const script = path.join(__dirname, 'contexts', flags.pop())
    assert.deepEqual(await run([...flags, script, String(port), ...args]),
      { status: 0, signal: null, out: 'ok' })
  })
}
