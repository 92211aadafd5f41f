// SPDX-License-Identifier: MIT
//
// Starts an origin in its own process, pinned, and stops it.
'use strict'

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const net = require('node:net')

const origins = require('../origins')
const { withChildren } = require('./cpu-time')
const { pinned, ORIGIN_CORE } = require('./pin')

const ATTEMPTS = 200
const BETWEEN = 25 // ms

function connects (port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

async function answers (port, running) {
  for (let i = 0; i < ATTEMPTS && running(); i++) {
    if (await connects(port)) return
    await new Promise((resolve) => setTimeout(resolve, BETWEEN))
  }
  throw new Error('the origin does not answer')
}

async function startOrigin (name) {
  const plan = await origins[name].plan()
  const [command, args] = pinned(ORIGIN_CORE, plan.command, plan.args)
  const child = spawn(command, args, { stdio: ['pipe', plan.port ? 'ignore' : 'pipe', 'inherit'] })
  let running = true
  const gone = new Promise((resolve) => {
    child.on('exit', resolve).on('error', resolve)
  }).then(() => { running = false })
  async function stop () {
    child.stdin.destroy()
    child.kill()
    await gone
    plan.cleanUp?.()
  }
  try {
    const said = plan.port ?? await Promise.race([once(child.stdout, 'data'), gone])
    const port = Number(said)
    await answers(port, () => running)
    return {
      name,
      port,
      paths: plan.paths,
      answerToPost: plan.answerToPost,
      pids: withChildren(child.pid),
      stop
    }
  } catch (err) {
    await stop()
    throw new Error(`the origin ${name} did not start: ${err.message}`)
  }
}

module.exports = { startOrigin }
