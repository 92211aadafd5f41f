// SPDX-License-Identifier: MIT
//
// npm run test:asan: the addon, the C tests and the JavaScript tests under
// AddressSanitizer and UndefinedBehaviorSanitizer inside Node. Builds into
// build/ and leaves an instrumented addon there: `npm rebuild` brings the
// ordinary one back.
'use strict'

const { spawnSync } = require('node:child_process')
const path = require('node:path')

const { build } = require('./build')

const ROOT = path.join(__dirname, '..')
const cc = process.env.CC || 'gcc'

function library (name) {
  return spawnSync(cc, [`-print-file-name=${name}`], { encoding: 'utf8' }).stdout.trim()
}

function run (args, env) {
  const result = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env } })
  if (result.status !== 0) process.exit(result.status ?? 1)
}

build({ hawser_tests: 1, hawser_sanitize: 'address,undefined' })
run([path.join('scripts', 'test.js'), ...process.argv.slice(2)], {
  HAWSER_TEST_BUILT: '1',
  // Node itself is not instrumented, so its own leaks at exit cannot be told
  // from ours: leaks are looked for in the C tests, which run without Node.
  ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1',
  UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
  LD_PRELOAD: library('libasan.so')
})
