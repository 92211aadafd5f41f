// SPDX-License-Identifier: MIT
//
// npm test: brings the addon up to date, builds and runs the C tests (those of the
// pure files as an executable, those that need the host's libuv and llhttp inside
// Node), then runs the JavaScript tests, and prints the total in its last line.
'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const { build } = require('./build')

const ROOT = path.join(__dirname, '..')
const BUILD = path.join(ROOT, 'test', 'build')
const TAP = path.join(BUILD, 'test.tap')

const totals = { passed: 0, failed: 0, skipped: 0 }

function fail (message) {
  console.error(`test: ${message}`)
  process.exit(1)
}

// A C suite ends with "name: N passed, M failed".
function runCore (name, command, args) {
  const run = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' })
  process.stdout.write(run.stdout)
  process.stderr.write(run.stderr)
  const line = new RegExp(`^${name}: (\\d+) passed, (\\d+) failed$`, 'm').exec(run.stdout)
  if (line === null) fail(`${name} ended without a count (status ${run.status}, ${run.signal})`)
  totals.passed += Number(line[1])
  totals.failed += Number(line[2])
}

function testFiles (dir) {
  return fs.readdirSync(path.join(ROOT, dir), { recursive: true })
    .filter((file) => file.endsWith('.test.js'))
    .map((file) => path.join(dir, file))
    .sort()
}

// Every process then has tiny send buffers and a collection after every write.
const pressed = process.env.HAWSER_TEST_PRESSURE === '1'
if (pressed) {
  const preload = path.join(ROOT, 'test', 'support', 'pressure.js')
  process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --require ${JSON.stringify(preload)}`
}

// Under the sanitizers or under pressure everything takes several times as long.
const FILE_LIMIT = pressed || process.env.HAWSER_TEST_SANITIZED === '1' ? 300_000 : 60_000 // ms

function runJavaScript (files) {
  fs.mkdirSync(BUILD, { recursive: true })
  const run = spawnSync(process.execPath,
    ['--test', '--test-concurrency=2', `--test-timeout=${FILE_LIMIT}`, '--test-reporter=spec', '--test-reporter-destination=stdout',
      '--test-reporter=tap', `--test-reporter-destination=${TAP}`,
      ...files],
    { cwd: ROOT, stdio: 'inherit' })
  const tap = fs.readFileSync(TAP, 'utf8')
  const count = (what) => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(tap)?.[1] ?? NaN)
  if (Number.isNaN(count('pass'))) fail(`the test runner gave no count (status ${run.status})`)
  totals.passed += count('pass')
  totals.failed += count('fail') + count('cancelled')
  totals.skipped += count('skipped')
  if (run.status !== 0 && totals.failed === 0) fail(`the test runner ended with ${run.status}`)
}

// With file names on the command line, only those run, without a build.
const only = process.argv.slice(2)
if (only.length === 0) {
  if (process.env.HAWSER_TEST_BUILT !== '1') {
    build({ hawser_werror: process.env.CI ? 1 : 0 })
  }
  runCore('core', path.join(BUILD, 'Release', 'core_test'), [])
  runCore('host', process.execPath, [path.join('test', 'host', 'run.js')])
}
runJavaScript(only.length === 0 ? testFiles('test') : only)
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`)
process.exitCode = totals.failed === 0 ? 0 : 1
