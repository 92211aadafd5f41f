// SPDX-License-Identifier: MIT
//
// The two builds, each in its own folder: what `npm install` built (build/), with
// the same switches, and what the tests need in addition (test/build/).
'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const ROOT = path.join(__dirname, '..')
const NODE_GYP = require.resolve('node-gyp/bin/node-gyp.js')

// Most installations of Node include its headers: no need to download them.
function headers () {
  const dir = path.resolve(process.execPath, '..', '..')
  return fs.existsSync(path.join(dir, 'include', 'node', 'node_api.h')) ? [`--nodedir=${dir}`] : []
}

// Throws with the build's output.
function nodeGyp (cwd, ...args) {
  const made = spawnSync(process.execPath, [NODE_GYP, ...args], { cwd, encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`the build failed\n${made.stdout}\n${made.stderr}`)
}

// Brings the addon up to date with src/. If nothing has changed since
// `npm install`, nothing is written.
function buildAddon () {
  const configured = fs.existsSync(path.join(ROOT, 'build', 'Makefile'))
  nodeGyp(ROOT, ...(configured ? ['build'] : ['rebuild', ...headers()]))
}

// switches: { name: value } of binding.gyp. root: of a copy of the repository.
function buildTests (switches, root = ROOT) {
  const args = Object.entries(switches).map(([name, value]) => `--${name}=${value}`)
  nodeGyp(path.join(root, 'test'), 'configure', 'build', ...headers(), ...args)
}

function build (switches = {}) {
  buildAddon()
  buildTests(switches)
}

module.exports = { build, buildTests }
