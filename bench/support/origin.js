// SPDX-License-Identifier: MIT
//
// Starts an origin in a process of its own, pinned, and says how busy it is.
'use strict'

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')

const { pinned } = require('./pin')

const TICKS_PER_SECOND = 100 // USER_HZ, the unit of /proc/PID/stat
const ATTEMPTS = 200

async function answers (port) {
  for (let i = 0; i < ATTEMPTS; i++) {
    const socket = net.connect(port, '127.0.0.1')
    const [event] = await Promise.race([
      once(socket, 'connect').then(() => ['connect']),
      once(socket, 'close').then(() => ['close'])
    ]).catch(() => ['error'])
    socket.destroy()
    if (event === 'connect') return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('the origin does not answer')
}

function children (pid) {
  const file = `/proc/${pid}/task/${pid}/children`
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim().split(' ').filter(Boolean) : []
}

function cpuSeconds (pid) {
  let ticks = 0
  for (const one of [pid, ...children(pid)]) {
    const stat = fs.readFileSync(`/proc/${one}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    ticks += Number(fields[11]) + Number(fields[12])
  }
  return ticks / TICKS_PER_SECOND
}

async function startOrigin (name, core) {
  const file = path.join(__dirname, '..', 'origins', `${name}.js`)
  if (!fs.existsSync(file)) throw new Error(`no origin ${name}`)
  const plan = await require(file)()
  const [command, args] = pinned(core, plan.command, plan.args)
  const child = spawn(command, args, { stdio: ['pipe', plan.port ? 'ignore' : 'pipe', 'inherit'] })
  let ended = false
  child.on('exit', () => { ended = true })
  let port = plan.port
  if (port === undefined) {
    const [line] = await Promise.race([
      once(child.stdout, 'data'),
      once(child, 'exit').then(() => { throw new Error(`the origin ${name} ended at once`) })
    ])
    port = Number(line)
  }
  await answers(port)
  return {
    name,
    port,
    paths: plan.paths,
    cpuSeconds: () => ended || process.platform !== 'linux' ? NaN : cpuSeconds(child.pid),
    async stop () {
      const gone = ended ? null : once(child, 'exit')
      child.stdin.destroy()
      child.kill()
      await gone
      plan.cleanUp?.()
    }
  }
}

module.exports = { startOrigin }
