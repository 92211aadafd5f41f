// SPDX-License-Identifier: MIT
//
// The origin of our own, compiled when it is first needed.
'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const SOURCE = path.join(__dirname, 'origin.c')
const BINARY = path.join(__dirname, '..', '..', 'build', 'bench-origin')

function compile () {
  const built = fs.existsSync(BINARY) && fs.statSync(BINARY).mtimeMs > fs.statSync(SOURCE).mtimeMs
  if (built) return
  fs.mkdirSync(path.dirname(BINARY), { recursive: true })
  const cc = process.env.CC || 'cc'
  const made = spawnSync(cc, ['-std=c11', '-D_GNU_SOURCE', '-O2', '-o', BINARY, SOURCE],
    { encoding: 'utf8' })
  if (made.error) throw new Error(`the origin needs a C compiler: ${cc} could not be run`)
  if (made.status !== 0) throw new Error(`the origin did not compile:\n${made.stderr}`)
}

// The command of the origin; it prints its port and ends when stdin closes.
module.exports = function native () {
  compile()
  return { command: BINARY, args: [], paths: { small: '/11', '1k': '/1k', '64k': '/64k', post: '/' } }
}
