// SPDX-License-Identifier: MIT
//
// One of the workers of run.js: sends requests, notifies its parent, and ends
// itself where it is meant to.
'use strict'

const http = require('node:http')
const { parentPort, workerData: { how, port } } = require('node:worker_threads')

if (how === 'load') parentPort.postMessage('ready')

const { Agent } = require('../../support/agent')

const agent = new Agent({ maxSockets: 8 })
const state = new SharedArrayBuffer(4)
const flag = new Int32Array(state)

function get (path, onResponse, host = '127.0.0.1') {
  const req = http.get({ host, port, agent, path }, onResponse)
  // How a request of a terminated worker ends does not matter.
  req.on('error', () => {})
  return req
}

// A callback that does not return until its worker is terminated.
function stay () {
  Atomics.store(flag, 0, 1)
  Atomics.notify(flag, 0)
  for (;;);
}

const acts = {
  request () {
    let begun = 0
    for (let i = 0; i < 12; i++) {
      get('/half', (res) => {
        res.resume()
        if (++begun === 6) parentPort.postMessage('ready')
      })
    }
  },
  connect () {
    for (let i = 0; i < 8; i++) get('/ok', () => {})
    for (let i = 0; i < 8; i++) get('/ok', () => {}, 'localhost') // is being looked up
    parentPort.postMessage('ready')
  },
  callback () {
    parentPort.postMessage(state)
    const events = ['socket', 'connect', 'response', 'data', 'readable']
    const event = events[Math.floor(Math.random() * events.length)]
    for (let i = 0; i < 6; i++) get('/half', (res) => res.resume())
    const req = get('/half', (res) => {
      if (event === 'response') stay()
      if (event === 'data' || event === 'readable') res.on(event, stay)
    })
    req.on('socket', (socket) => {
      if (event === 'socket') stay()
      if (event === 'connect') socket.on('connect', stay)
    })
  },
  exit () {
    for (let i = 0; i < 6; i++) get('/half', (res) => res.resume())
    get('/half', (res) => res.on('data', () => process.exit(7)))
  },
  throw () {
    for (let i = 0; i < 6; i++) get('/half', (res) => res.resume())
    get('/half', (res) => res.on('data', () => { throw new Error('meant') }))
  },
  load () {
    for (let i = 0; i < 12; i++) get('/ok', (res) => res.resume())
  },
  quiet () {
    for (let i = 0; i < 12; i++) get('/ok', (res) => res.resume())
  }
}

acts[how]()
