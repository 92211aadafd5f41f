// SPDX-License-Identifier: MIT
//
// Puts client and origin on separate cores, if taskset and a second core exist:
// core 1 and core 0, or the first two that this process may use.
'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')

// "0-3,8" of /proc/self/status as numbers.
function allowedCores () {
  const status = '/proc/self/status'
  const text = fs.existsSync(status) ? fs.readFileSync(status, 'utf8') : ''
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(text)?.[1] ?? ''
  return list.split(',').filter(Boolean).flatMap((part) => {
    const [first, last = first] = part.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
}

function plan () {
  const cores = allowedCores()
  if (cores.length < 2) return { note: 'not pinned: there is one core only' }
  if (spawnSync('taskset', ['-V']).error) return { note: 'not pinned: taskset is not installed' }
  const [origin, client] = cores
  return { origin, client, note: `client pinned to core ${client}, origin to core ${origin}` }
}

const { origin, client, note } = plan()

// core: undefined where nothing is pinned
function pinned (core, command, args) {
  return core === undefined ? [command, args] : ['taskset', ['-c', String(core), command, ...args]]
}

module.exports = { pinned, note, ORIGIN_CORE: origin, CLIENT_CORE: client }
