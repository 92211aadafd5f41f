// SPDX-License-Identifier: MIT
//
// npm run test:asan [-- FILE...]: the addon, the C tests and the JavaScript tests
// under AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer inside
// Node, and under pressure (test/support/pressure.js). Builds and runs in a copy
// of the repository, build/asan; nothing outside it is changed.
//
// Nothing is suppressed. A process that ends normally must leave no block. One that
// calls process.exit() leaves Node's and V8's; the allocating function shows whose a
// block is. An error of a sanitizer does not change how its process ends
// (exitcode=0), because tests check that; the reports fail the run.
'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const { buildTests } = require('./build')

const ROOT = path.join(__dirname, '..')
const COPY = path.join(ROOT, 'build', 'asan')
const NOT_COPIED = ['.git', 'build', 'node_modules', 'test/build', 'bench/results']
const cc = process.env.CC || 'gcc'

function library (name) {
  return spawnSync(cc, [`-print-file-name=${name}`], { encoding: 'utf8' }).stdout.trim()
}

// Every sanitizer of every process writes its own file.
const LOGS = path.join(COPY, 'sanitizers')
const SOURCES = fs.readdirSync(path.join(ROOT, 'src')).join('|').replaceAll('.', '\\.')
const OURS = new RegExp(`hawser\\.node|host_test\\.node|core_test| (?:\\.\\./)+src/(${SOURCES}):|node-addon-api`)
const ALLOCATORS = /^(operator new|__interceptor_|\w+alloc|posix_memalign|std::|void std::|napi_|v8impl::)/

// The tests there load the addon that is built there.
function copy () {
  fs.rmSync(COPY, { recursive: true, force: true })
  const filter = (source) => !NOT_COPIED.includes(path.relative(ROOT, source))
  for (const name of fs.readdirSync(ROOT)) {
    const source = path.join(ROOT, name)
    if (filter(source)) fs.cpSync(source, path.join(COPY, name), { recursive: true, filter })
  }
  fs.symlinkSync(path.join(ROOT, 'node_modules'), path.join(COPY, 'node_modules'))
  buildTests({ hawser_sanitize: 'address,undefined' }, COPY)
  const [from, to] = ['test/build', 'build'].map((dir) => path.join(COPY, dir, 'Release'))
  fs.mkdirSync(to, { recursive: true })
  fs.copyFileSync(path.join(from, 'hawser.node'), path.join(to, 'hawser.node'))
}

// Does a leaked block belong to the core? Its first frame outside an allocator says.
function isOurs (leak) {
  const frames = leak.match(/^ +#\d+ .*$/gm) ?? []
  const owner = frames.find((frame) => !ALLOCATORS.test(frame.replace(/^ +#\d+ \S+ in /, '')))
  return owner !== undefined && OURS.test(owner)
}

// Result: the reports that fail the run; counts Node's own leaks.
function reports () {
  const found = []
  let nodes = 0
  for (const file of fs.readdirSync(LOGS)) {
    const text = fs.readFileSync(path.join(LOGS, file), 'utf8')
    if (!text.includes('LeakSanitizer')) {
      found.push(text)
      continue
    }
    for (const leak of text.split(/\n(?=(?:Direct|Indirect) leak of )/).slice(1)) {
      if (isOurs(leak)) found.push(leak)
      else nodes++
    }
  }
  return { found, nodes }
}

copy()
fs.mkdirSync(LOGS, { recursive: true })
const tests = spawnSync(process.execPath, [path.join('scripts', 'test.js'), ...process.argv.slice(2)], {
  cwd: COPY,
  stdio: 'inherit',
  env: {
    ...process.env,
    HAWSER_TEST_BUILT: '1',
    HAWSER_TEST_SANITIZED: '1',
    HAWSER_TEST_PRESSURE: '1',
    ASAN_OPTIONS: `detect_leaks=1:exitcode=0:log_path=${LOGS}/asan`,
    UBSAN_OPTIONS: `halt_on_error=1:print_stacktrace=1:log_path=${LOGS}/ubsan`,
    LD_PRELOAD: library('libasan.so')
  }
})
const { found, nodes } = reports()
for (const report of found) console.log(report)
console.log(`sanitizers: ${found.length} reports (${nodes} blocks that Node itself leaves at process.exit())`)
process.exitCode = tests.status === 0 && found.length === 0 ? 0 : 1
