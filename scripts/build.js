// SPDX-License-Identifier: MIT
//
// node-gyp rebuild with the developers' switches, as a function.
'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const ROOT = path.join(__dirname, '..')
const NODE_GYP = require.resolve('node-gyp/bin/node-gyp.js')

// Node's headers lie beside most installations: no need to fetch them.
function headers () {
  const dir = path.resolve(process.execPath, '..', '..')
  return fs.existsSync(path.join(dir, 'include', 'node', 'node_api.h')) ? [`--nodedir=${dir}`] : []
}

// switches: { name: value } of binding.gyp. Throws with the build's output.
function build (switches) {
  const args = Object.entries(switches).map(([name, value]) => `--${name}=${value}`)
  const made = spawnSync(process.execPath, [NODE_GYP, 'rebuild', ...headers(), ...args],
    { cwd: ROOT, encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`the build failed\n${made.stdout}\n${made.stderr}`)
}

module.exports = { build }
