// SPDX-License-Identifier: MIT
//
// npm run fuzz: the response path, the same with reads of the largest size, and the
// pool, under libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer. Needs
// clang. The corpus is kept in build/fuzz/<name>/corpus until build/ is recreated,
// and the next run continues with it. A finding is written to build/fuzz/<name>/,
// and the command that repeats it is printed.
//
// Usage: npm run fuzz -- [--time SECONDS] [--runs COUNT] [--only http1|large|pool] [FILE...]
//   --time   per fuzzer (60 if --runs is not given)
//   --runs   instead, stop each after so many executions
//   FILE     run only these inputs, once (with --only)
'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { parseArgs } = require('node:util')

const { pure, core } = require('./sources')

const ROOT = path.join(__dirname, '..')
const OUT = path.join(ROOT, 'build', 'fuzz')
const FLAGS = ['-std=c11', '-D_GNU_SOURCE', '-DNAPI_VERSION=9', '-g', '-O2', '-fPIC', '-fno-omit-frame-pointer',
  '-Wall', '-Wextra', '-Wpedantic', '-Wshadow', '-Wconversion', '-Werror', '-fno-sanitize-recover=all',
  '-Isrc', '-Itest/core', '-Itest/host', '-isystem', path.resolve(process.execPath, '../../include/node')]

const HTTP1_FUZZED = [...pure, ...core.filter((file) => file.endsWith('/http1.c'))]
const HTTP1_CHECKS = ['test/host/transcript.c', 'test/fuzz/http1.c', 'test/fuzz/host.c']
const HTTP1_OPTIONS = ['-max_len=1024', `-dict=${path.join(__dirname, '../test/fuzz/http1.dict')}`]

// Only the fuzzed files are instrumented for coverage: the branches of the model and
// of the checks say nothing, and would take two thirds of the time.
const FUZZERS = {
  http1: {
    fuzzed: HTTP1_FUZZED,
    checks: HTTP1_CHECKS,
    options: HTTP1_OPTIONS,
    host: true
  },
  large: {
    fuzzed: HTTP1_FUZZED,
    checks: HTTP1_CHECKS,
    flags: ['-DHW_FUZZ_LARGE'],
    seeds: 'http1',
    options: HTTP1_OPTIONS,
    host: true
  },
  pool: {
    fuzzed: pure,
    checks: ['test/core/pool-model.c', 'test/fuzz/pool.c'],
    options: ['-max_len=128'],
    host: false
  }
}

function run (command, args, env = {}, output = 'inherit') {
  const result = spawnSync(command, args,
    { cwd: ROOT, stdio: ['ignore', output, output], env: { ...process.env, ...env } })
  if (result.error) throw result.error
  return result.status
}

function clang (...args) {
  if (run('clang', args) !== 0) process.exit(1)
}

function runtime (name) {
  return spawnSync('clang', [`-print-file-name=libclang_rt.${name}`], { encoding: 'utf8' }).stdout.trim()
}

function compile (dir, sources, sanitizers, flags) {
  return sources.map((source) => {
    const object = path.join(dir, source.replaceAll('/', '-').replace(/\.c$/, '.o'))
    clang(...FLAGS, ...flags, `-fsanitize=${sanitizers}`, '-c', '-o', object, source)
    return object
  })
}

// Result: the command that takes libFuzzer's arguments, and its environment.
function build (name, { fuzzed, checks, host, flags = [] }) {
  const dir = path.join(OUT, name)
  fs.mkdirSync(path.join(dir, 'corpus'), { recursive: true })
  const objects = [...compile(dir, fuzzed, 'fuzzer-no-link,address,undefined', flags),
    ...compile(dir, checks, 'address,undefined', flags)]
  if (!host) {
    const binary = path.join(dir, name)
    clang('-fsanitize=fuzzer,address,undefined', '-o', binary, ...objects)
    return { command: [binary], env: {} }
  }
  // http1 needs the host's llhttp: libFuzzer runs inside Node. Without
  // -Bsymbolic the preloaded runtime's empty coverage callbacks replace libFuzzer's.
  const addon = path.join(dir, `${name}.node`)
  clang('-shared', '-shared-libasan', '-fsanitize=address,undefined', '-Wl,-Bsymbolic', '-o', addon,
    ...objects, runtime('fuzzer_no_main-x86_64.a'), '-lstdc++')
  return {
    command: [process.execPath, path.join(ROOT, 'test', 'fuzz', 'run.js'), addon],
    // Node frees nothing when it ends; the harness counts the core's blocks itself.
    env: { LD_PRELOAD: runtime('asan-x86_64.so'), ASAN_OPTIONS: 'detect_leaks=0' }
  }
}

const { values, positionals } = parseArgs({
  options: { time: { type: 'string' }, runs: { type: 'string' }, only: { type: 'string' } },
  allowPositionals: true
})
const limit = values.runs === undefined ? `-max_total_time=${values.time ?? 60}` : `-runs=${values.runs}`
const names = values.only === undefined ? Object.keys(FUZZERS) : [values.only]
for (const name of names) {
  const fuzzer = FUZZERS[name]
  if (fuzzer === undefined) throw new Error(`no fuzzer ${name}; there are ${Object.keys(FUZZERS).join(', ')}`)
  const dir = path.join(OUT, name)
  const { command: [command, ...first], env } = build(name, fuzzer)
  const again = positionals.length > 0
  const inputs = again
    ? positionals.map((file) => path.resolve(file))
    : [limit, path.join(dir, 'corpus'), path.join(ROOT, 'test', 'fuzz', 'seeds', fuzzer.seeds ?? name)]
  const log = path.join(dir, 'log')
  console.log(`fuzz: ${name}, ${again ? `${inputs.length} inputs` : limit.slice(1)}`)
  const status = run(command, [...first, ...fuzzer.options, '-print_final_stats=1',
    `-artifact_prefix=${dir}${path.sep}`, ...inputs], env, fs.openSync(log, 'w'))
  const text = fs.readFileSync(log, 'utf8')
  if (status !== 0) {
    console.log(text.split('\n').slice(-60).join('\n'))
    console.log(`fuzz: a finding; repeat it with npm run fuzz -- --only ${name} ${path.relative(ROOT, dir)}/crash-...`)
    process.exit(1)
  }
  const [, executed] = /^stat::number_of_executed_units: (\d+)$/m.exec(text) ?? [null, inputs.length]
  const [, edges] = /.* cov: (\d+)/s.exec(text) ?? [null, 'its']
  console.log(`fuzz: ${name}: ${executed} executions, ${edges} edges, no finding`)
}
