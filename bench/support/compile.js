// SPDX-License-Identifier: MIT
//
// The bench's programs in C, compiled when first needed or changed: a binary is
// named after a hash of its source, because file times mislead after a checkout.
'use strict'

const { spawnSync } = require('node:child_process')
const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')

const BUILD = path.join(__dirname, '..', '..', 'build')

// Result: the binary's path.
module.exports = function compile (source) {
  const hash = crypto.createHash('sha256').update(fs.readFileSync(source)).digest('hex')
  const binary = path.join(BUILD, `bench-${path.basename(source, '.c')}-${hash.slice(0, 12)}`)
  if (fs.existsSync(binary)) return binary
  fs.mkdirSync(BUILD, { recursive: true })
  const cc = process.env.CC || 'cc'
  // Under a temporary name first: another bench may be compiling it too.
  const fresh = `${binary}.${process.pid}`
  const made = spawnSync(cc, ['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Wpedantic',
    '-Wshadow', '-Wconversion', '-o', fresh, source], { encoding: 'utf8' })
  if (made.error) throw new Error(`a C compiler is needed, and "${cc}" could not be run: name one in CC`)
  if (made.status !== 0) throw new Error(`${path.basename(source)} did not compile:\n${made.stderr}`)
  fs.renameSync(fresh, binary)
  return binary
}
