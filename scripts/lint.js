// SPDX-License-Identifier: MIT
//
// npm run lint: ESLint on the JavaScript; clang-format, clang-tidy and cppcheck on
// the C and C++; a check that the build lists every source, that each file is above
// those that it uses, and that package-lock.json has no field which only some
// versions of npm write. A tool that is not installed is reported and skipped,
// unless CI is set.
'use strict'

const { execFile } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { include_dir: addonApi } = require('node-addon-api')

const layers = require('./layers')
const { pure, core, addon, targets } = require('./sources')

const ROOT = path.join(__dirname, '..')

let failed = false

function sources (dirs, ...endings) {
  return dirs.filter((dir) => fs.existsSync(path.join(ROOT, dir)))
    .flatMap((dir) => fs.readdirSync(path.join(ROOT, dir), { recursive: true })
      .map((file) => path.join(dir, file)))
    .filter((file) => endings.some((ending) => file.endsWith(ending)))
    .sort()
}

// These run in parallel; their findings are printed in this order.
function run (name, command, args) {
  return new Promise((resolve) => {
    execFile(command, args, { cwd: ROOT, maxBuffer: Infinity }, (err, stdout, stderr) => {
      resolve({ name, missing: err?.code === 'ENOENT', findings: err === null ? '' : stdout + stderr })
    })
  })
}

function report (name, findings) {
  failed ||= findings !== ''
  console.log(findings === '' ? `${name}: clean` : `${name}:\n${findings}`)
}

// npm 11.12 writes `libc` for packages that it adds; npm 10 and 11.6 remove it in
// every `npm install`. None of them adds it to a package that is already listed.
function lockFields () {
  const { packages } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8'))
  return Object.entries(packages).filter(([, fields]) => 'libc' in fields)
    .map(([name]) => `${name}: leave out "libc", which other versions of npm take out\n`).join('')
}

// A file that is in no target would not be compiled, tested or fuzzed.
function unlisted () {
  const listed = [...pure, ...core, ...addon, ...Object.values(targets('test/binding.gyp')).flat()]
  return sources(['src', 'test/core', 'test/host'], '.c', '.cc')
    .filter((file) => !listed.includes(file)).map((file) => `${file} is in no binding.gyp\n`).join('')
}

const nodeHeaders = path.resolve(process.execPath, '..', '..', 'include', 'node')
const flags = ['-D_GNU_SOURCE', '-DNAPI_VERSION=9', '-DNAPI_DISABLE_CPP_EXCEPTIONS', '-Isrc',
  '-Itest/core', '-Wall', '-Wextra', '-isystem', nodeHeaders, '-isystem', addonApi]
const checks = ['--quiet', '--error-exitcode=1', '--enable=warning,performance,portability',
  '--inline-suppr', '--suppress=missingIncludeSystem', '-Isrc']
const c = [...pure, ...core]

async function main () {
  report('package-lock', lockFields())
  report('sources', unlisted())
  report('layers', layers.check().map((text) => `${text}\n`).join(''))
  const results = await Promise.all([
    run('eslint', path.join(ROOT, 'node_modules', '.bin', 'eslint'), ['.']),
    run('clang-format', 'clang-format',
      ['--dry-run', '--Werror', ...sources(['src', 'test', 'bench'], '.c', '.h', '.cc')]),
    run('clang-tidy', 'clang-tidy', ['--quiet', ...c, '--', '-std=c11', ...flags]),
    ...addon.map((file) => run(`clang-tidy ${file}`, 'clang-tidy',
      ['--quiet', '--config-file=.clang-tidy-cc', file, '--', '-std=gnu++17', ...flags])),
    run('cppcheck', 'cppcheck', [...checks, '--std=c11', ...c]),
    run('cppcheck of the C++', 'cppcheck',
      [...checks, '--std=c++17', '-DNODE_API_MODULE(name,init)=', ...addon])
  ])
  for (const { name, missing, findings } of results) {
    if (missing) {
      console.log(`${name}: not installed, skipped`)
      failed ||= Boolean(process.env.CI)
    } else {
      report(name, findings)
    }
  }
  process.exitCode = failed ? 1 : 0
}

main()
