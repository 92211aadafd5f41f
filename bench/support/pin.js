// SPDX-License-Identifier: MIT
//
// Client and origin on cores of their own, where taskset exists.
'use strict'

const { spawnSync } = require('node:child_process')
const os = require('node:os')

const able = os.availableParallelism() > 1 && !spawnSync('taskset', ['-V']).error
const ORIGIN_CORE = 0
const CLIENT_CORE = 1

function pinned (core, command, args) {
  return able ? ['taskset', ['-c', String(core), command, ...args]] : [command, args]
}

const note = able
  ? `origin on core ${ORIGIN_CORE}, client on core ${CLIENT_CORE}`
  : 'not pinned: taskset or a second core is missing'

module.exports = { pinned, note, ORIGIN_CORE, CLIENT_CORE }
