// SPDX-License-Identifier: MIT
//
// The origin of our own, compiled when it is first needed or has changed: the
// binary is named after a hash of its source, since times of files mislead after
// a checkout. It prints its port and ends when its stdin closes.
'use strict'

const { spawnSync } = require('node:child_process')
const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')

const { counted } = require('./payload')

const SOURCE = path.join(__dirname, 'origin.c')
const BUILD = path.join(__dirname, '..', '..', 'build')

function binaryPath () {
  const hash = crypto.createHash('sha256').update(fs.readFileSync(SOURCE)).digest('hex')
  return path.join(BUILD, `bench-origin-${hash.slice(0, 12)}`)
}

function compile (binary) {
  fs.mkdirSync(BUILD, { recursive: true })
  const cc = process.env.CC || 'cc'
  // Under a name of its own first: another bench may be compiling it too.
  const fresh = `${binary}.${process.pid}`
  const made = spawnSync(cc, ['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Wpedantic',
    '-Wshadow', '-Wconversion', '-o', fresh, SOURCE], { encoding: 'utf8' })
  if (made.error) {
    throw new Error(`the native origin needs a C compiler: "${cc}" could not be run. ` +
      'Install one, name one in CC, or use --origin node')
  }
  if (made.status !== 0) throw new Error(`the native origin did not compile:\n${made.stderr}`)
  fs.renameSync(fresh, binary)
}

module.exports = function native () {
  const binary = binaryPath()
  if (!fs.existsSync(binary)) compile(binary)
  return {
    command: binary,
    args: [],
    paths: { small: '/11', '1k': '/1k', '64k': '/64k', post: '/echo-length' },
    answerToPost: counted
  }
}
