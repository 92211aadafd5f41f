// SPDX-License-Identifier: MIT
//
// The package where its addon cannot be loaded: an error that can be caught,
// and says first what to do.
'use strict'

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')

const esbuild = require('esbuild')

const { runPlain } = require('../support/child')

const ROOT = path.join(__dirname, '..', '..')
const ADDON = path.join('build', 'Release', 'hawser.node')
const flags = process.allowedNodeEnvironmentFlags
const MODEL = [
  flags.has('--permission') ? '--permission' : '--experimental-permission', '--no-warnings'
]

// A folder with the package in its node_modules, as it is after an install.
function install (t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-'))
  t.after(() => fs.rmSync(dir, { recursive: true }))
  const home = path.join(dir, 'node_modules', 'hawser')
  fs.mkdirSync(path.join(home, 'build', 'Release'), { recursive: true })
  fs.cpSync(path.join(ROOT, 'lib'), path.join(home, 'lib'), { recursive: true })
  for (const file of ['package.json', ADDON]) fs.copyFileSync(path.join(ROOT, file), path.join(home, file))
  return { dir, home, addon: path.join(home, ADDON) }
}

const attempt = (file) => `
  try {
    console.log(JSON.stringify(require(${JSON.stringify(file)}).capabilities().fastLane))
  } catch (err) {
    const { code, message, cause } = err
    console.log(JSON.stringify({ code, message, cause: cause && [cause.code, cause.message] }))
  }`

// Replaces some bytes of the addon with others.
function patch (addon, from, to) {
  const bytes = fs.readFileSync(addon)
  const at = bytes.indexOf(from, 0, 'latin1')
  assert.notEqual(at, -1)
  bytes.write(to, at, 'latin1')
  fs.writeFileSync(addon, bytes)
}

// Runs before the script: makes the process look like another.
const pretends = (name, value) => `
  Object.defineProperty(process, ${JSON.stringify(name)}, { value: ${value} });`

const NEWEST_GLIBC = () => {
  const text = fs.readFileSync(path.join(ROOT, ADDON), 'latin1')
  return text.match(/GLIBC_2\.\d+/)[0]
}

// [what is wrong, what to do, the cause's code, { arrange, args, before }]
const CASES = [
  ['nothing', null, null, {}],
  ['the install script did not run', /^hawser: allow hawser's install script \(.*npm rebuild hawser`.*g\+\+/, 'MODULE_NOT_FOUND', {
    arrange: ({ home }) => fs.rmSync(path.join(home, 'build'), { recursive: true })
  }],
  ['the build failed', /^hawser: run `npm rebuild hawser --foreground-scripts`.*g\+\+/, 'MODULE_NOT_FOUND', {
    arrange: ({ addon }) => fs.rmSync(addon)
  }],
  ['--no-addons', /^hawser: start Node without `--no-addons`/, 'ERR_DLOPEN_DISABLED', {
    args: () => ['--no-addons']
  }],
  ['--permission without --allow-addons', /^hawser: start Node with `--allow-addons`/, 'ERR_DLOPEN_DISABLED', {
    args: () => [...MODEL, '--allow-fs-read=*']
  }],
  ['another architecture', /^hawser: run `npm rebuild hawser` here/, 'ERR_DLOPEN_FAILED', {
    arrange: ({ addon }) => { // e_machine: none
      const bytes = fs.readFileSync(addon)
      bytes.writeUInt16LE(0, 18)
      fs.writeFileSync(addon, bytes)
    }
  }],
  ['another platform\'s addon', /^hawser: run `npm rebuild hawser` here/, 'ERR_DLOPEN_FAILED', {
    arrange: ({ addon }) => patch(addon, '\x7fELF', 'MZ\0\0')
  }],
  ['a newer glibc', /^hawser: run `npm rebuild hawser` here/, 'ERR_DLOPEN_FAILED', {
    arrange: ({ addon }) => patch(addon, NEWEST_GLIBC(), NEWEST_GLIBC().replace('_2', '_9'))
  }],
  ['a host that lacks a symbol', /^hawser: use Node\.js .*npm rebuild hawser/, 'ERR_DLOPEN_FAILED', {
    arrange: ({ addon }) => patch(addon, '\0uv_tcp_bind\0', '\0uv_tcp_nope\0')
  }],
  ['another platform', /^hawser: use Linux: .*this is darwin/, null, {
    before: pretends('platform', '"darwin"')
  }],
  ['Deno', /^hawser: use Node.js: .*this is deno 2\.1\.0/, null, {
    before: pretends('versions', '{ ...process.versions, deno: "2.1.0" }')
  }],
  ['Bun', /^hawser: use Node.js: .*this is bun 1\.2\.0/, null, {
    before: pretends('versions', '{ ...process.versions, bun: "1.2.0" }')
  }],
  ['a runtime without libuv', /^hawser: use Node.js: .*this is something else/, null, {
    before: pretends('versions', '{ ...process.versions, uv: undefined }')
  }],
  ['an old Node', /^hawser: use Node.js 20\.19 or later: this is v/, null, {
    before: pretends('versions', '{ ...process.versions, napi: "8" }')
  }]
]

for (const [wrong, todo, cause, { arrange, args, before = '' }] of CASES) {
  test(`loading with ${wrong}`, async (t) => {
    const place = install(t)
    arrange?.(place)
    const { status, out, err } = await runPlain(before + attempt(place.home), args?.(place))
    assert.deepEqual({ status, err }, { status: 0, err: '' })
    const said = JSON.parse(out)
    if (todo === null) return assert.equal(said, true)
    assert.match(said.message, todo)
    assert.equal(said.code, 'ERR_HAWSER_LOAD')
    assert.equal(said.cause?.[0] ?? null, cause)
    if (cause !== null) assert.ok(said.message.includes(said.cause[1].split('\n')[0]))
  })
}

for (const external of [[], ['hawser']]) {
  for (const format of ['cjs', 'iife']) {
    const how = external.length === 0 ? 'bundled' : 'marked as external'
    test(`${how} by esbuild as ${format}`, async (t) => {
      const { dir, home } = install(t)
      const entry = path.join(dir, 'entry.js')
      fs.writeFileSync(entry, attempt('hawser'))
      const outfile = path.join(dir, 'dist', 'bundle.js')
      await esbuild.build({
        entryPoints: [entry], outfile, bundle: true, platform: 'node', format, external, logLevel: 'silent'
      })
      const { status, out, err } = await runPlain(`require(${JSON.stringify(outfile)})`)
      assert.deepEqual({ status, err }, { status: 0, err: '' })
      const said = JSON.parse(out)
      if (external.length > 0) return assert.equal(said, true)
      assert.equal(said.code, 'ERR_HAWSER_LOAD')
      assert.match(said.message, /^hawser: mark `hawser` as external in your bundler/)
      assert.ok(fs.existsSync(home))
    })
  }
}

test('every symbol of the host is looked for when the addon is loaded, not in the first call', () => {
  const { stdout } = spawnSync('readelf', ['--dynamic', path.join(ROOT, ADDON)], { encoding: 'utf8' })
  assert.match(stdout, /\(FLAGS\)\s+BIND_NOW/)
})
