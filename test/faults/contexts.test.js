// SPDX-License-Identifier: MIT
//
// One addon, loaded more than once: copies of the package, vm contexts,
// modules, threads. All work together, and the process ends by itself.
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

const JEST = require.resolve('jest/bin/jest')

function run (args, env) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 20_000,
      killSignal: 'SIGKILL',
      cwd: __dirname,
      env: { ...process.env, ...env }
    })
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

// Three files in one process: each has its own modules and globals.
for (const flags of [[], ['--experimental-vm-modules', '--no-warnings']]) {
  test(['jest', ...flags].join(' '), { skip: hawserOnly }, async (t) => {
    const port = await httpServer(t, (req, res) => res.end(req.url.repeat(1000)))
    const args = [...flags, JEST, '--runInBand', '--ci', '--rootDir', path.join(__dirname, 'contexts', 'jest')]
    const { status, signal, out } = await run(args, { ORIGIN_PORT: String(port) })
    assert.deepEqual({ status, signal }, { status: 0, signal: null }, out)
    assert.match(out, /^Tests: +3 passed, 3 total$/m)
  })
}
