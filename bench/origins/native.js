// SPDX-License-Identifier: MIT
//
// The origin of our own, compiled when it is first needed or has changed. It
// prints its port and ends when its stdin closes.
'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const { counted } = require('./payload')

const SOURCE = path.join(__dirname, 'origin.c')
const BINARY = path.join(__dirname, '..', '..', 'build', 'bench-origin')

function upToDate () {
  return fs.existsSync(BINARY) && fs.statSync(BINARY).mtimeMs > fs.statSync(SOURCE).mtimeMs
}

function compile () {
  fs.mkdirSync(path.dirname(BINARY), { recursive: true })
  const cc = process.env.CC || 'cc'
  // Under a name of its own first: another bench may be starting the old one.
  const fresh = `${BINARY}.${process.pid}`
  const made = spawnSync(cc, ['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Wpedantic',
    '-Wshadow', '-Wconversion', '-o', fresh, SOURCE], { encoding: 'utf8' })
  if (made.error) {
    throw new Error(`the native origin needs a C compiler: "${cc}" could not be run. ` +
      'Install one, name one in CC, or use --origin node')
  }
  if (made.status !== 0) throw new Error(`the native origin did not compile:\n${made.stderr}`)
  fs.renameSync(fresh, BINARY)
}

module.exports = function native () {
  if (!upToDate()) compile()
  return {
    command: BINARY,
    args: [],
    paths: { small: '/11', '1k': '/1k', '64k': '/64k', post: '/echo-length' },
    answerToPost: counted
  }
}
