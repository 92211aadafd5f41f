// SPDX-License-Identifier: MIT
//
// The C tests of the pure files under a tool: `asan` (AddressSanitizer and
// UndefinedBehaviorSanitizer) or `valgrind`. Compiled here and not by node-gyp,
// so that the addon's build does not change.
'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const { pure, targets } = require('./sources')

const ROOT = path.join(__dirname, '..')
const TESTS = targets('test/binding.gyp').core_test
const WARNINGS = ['-Wall', '-Wextra', '-Wpedantic', '-Wshadow', '-Wconversion', '-Werror']
const TOOLS = {
  asan: { flags: ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'], wrap: [] },
  valgrind: { flags: [], wrap: ['valgrind', '-q', '--error-exitcode=9', '--leak-check=full'] }
}

function run (command, args) {
  const result = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' })
  if (result.error) throw result.error
  if (result.status !== 0) process.exit(1)
}

const name = process.argv[2]
const tool = TOOLS[name]
if (tool === undefined) throw new Error(`no tool ${name}; there are ${Object.keys(TOOLS).join(', ')}`)
const binary = path.join(ROOT, 'build', `core-test-${name}`)
fs.mkdirSync(path.dirname(binary), { recursive: true })
run(process.env.CC || 'cc', ['-std=c11', '-D_GNU_SOURCE', '-g', '-O1', '-fno-omit-frame-pointer',
  ...WARNINGS, ...tool.flags, '-Isrc', '-Itest/core', '-o', binary, ...TESTS, ...pure])
const [command, ...args] = [...tool.wrap, binary]
run(command, args)
