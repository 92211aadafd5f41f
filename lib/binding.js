// SPDX-License-Identifier: MIT
//
// Finds and loads the addon. There is no fallback: without it the package cannot work, and
// the error says what to do. This must be loaded first, so that this error comes first.
'use strict'

const fs = require('node:fs')
const path = require('node:path')

const REBUILD = '`npm rebuild hawser`'
const NEEDS = 'it needs python3, make, g++ and the headers of Node'
const NAPI_VERSION = 9 // of binding.gyp

// Bundlers keep these names, or give them other values.
const isBundled = typeof __filename === 'undefined' ||
  !__filename.endsWith(path.join('lib', 'binding.js'))
const ROOT = isBundled ? '' : path.join(__dirname, '..')
const FILE = path.join(ROOT, 'build', 'Release', 'hawser.node')

// The name of a runtime with a usable libuv, or null. Others also call themselves Node in
// process.release and process.versions.
function otherRuntime () {
  const { versions } = process
  const name = ['deno', 'bun'].find((name) => versions[name] !== undefined)
  if (name !== undefined) return `${name} ${versions[name]}`
  return versions.uv === undefined || versions.napi === undefined ? 'something else' : null
}

// What to do, if that is known before the addon is loaded, or null.
function whyNot () {
  const other = otherRuntime()
  if (other !== null) return `use Node.js: hawser's core is built on its libuv, and this is ${other}`
  if (process.platform !== 'linux') return `use Linux: hawser is for nothing else yet, and this is ${process.platform}`
  if (Number(process.versions.napi) < NAPI_VERSION) return `use Node.js 20.19 or later: this is ${process.version}`
  if (isBundled) {
    return 'mark `hawser` as external in your bundler and install it beside the bundle: ' +
      'its native addon cannot be bundled'
  }
  return null
}

// What to do after the attempt to load it.
function advice ({ code, message }) {
  if (code === 'ERR_DLOPEN_DISABLED') {
    return process.permission === undefined
      ? 'start Node without `--no-addons`'
      : 'start Node with `--allow-addons`, or without its permission model'
  }
  if (/undefined symbol/.test(message)) {
    return `use Node.js 20.19 or later, or run ${REBUILD}: this host lacks what the addon was built for`
  }
  if (code === 'ERR_DLOPEN_FAILED') return `run ${REBUILD} here: its addon was built for another system`
  if (code !== 'MODULE_NOT_FOUND' || fs.existsSync(FILE)) return `run ${REBUILD}`
  return fs.existsSync(path.join(ROOT, 'build'))
    ? `run \`npm rebuild hawser --foreground-scripts\` and see why its build fails: ${NEEDS}`
    : 'allow hawser\'s install script (`npm install-scripts approve hawser`, `pnpm approve-builds`, no ' +
      `\`--ignore-scripts\`) and run ${REBUILD}: it builds a native addon, for which ${NEEDS}`
}

function failed (todo, cause) {
  const err = new Error(`hawser: ${todo}${cause === undefined ? '' : ` (${cause.message})`}`,
    { cause })
  err.code = 'ERR_HAWSER_LOAD'
  return err
}

function load () {
  const reason = whyNot()
  if (reason !== null) throw failed(reason)
  try {
    return require(FILE)
  } catch (cause) {
    throw failed(advice(cause), cause)
  }
}

module.exports = load()
