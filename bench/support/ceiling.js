// SPDX-License-Identifier: MIT
//
// What wrk, a client in C, gets from the same origin on the same core, if it is
// installed: the most that any client here could reach. How busy the origin was
// shows whether it or the client's core was the limit.
'use strict'

const { spawn } = require('node:child_process')
const { once } = require('node:events')

const { ofProcesses } = require('./cpu-time')
const { pinned, CLIENT_CORE } = require('./pin')

// { rps, originBusy }, or null without wrk
async function ceiling (origin, path) {
  const url = `http://127.0.0.1:${origin.port}${path}`
  const [command, args] = pinned(CLIENT_CORE, 'wrk', ['-t1', '-c50', '-d1', url])
  const cpu = ofProcesses(origin.pids)
  const from = performance.now()
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  let out = ''
  child.stdout.on('data', (chunk) => { out += chunk })
  await Promise.race([once(child, 'close'), once(child, 'error')]).catch(() => {})
  const seconds = (performance.now() - from) / 1000
  const found = /Requests\/sec:\s+([\d.]+)/.exec(out)
  if (found === null) return null
  return { rps: Number(found[1]), originBusy: (ofProcesses(origin.pids) - cpu) / seconds }
}

module.exports = { ceiling }
