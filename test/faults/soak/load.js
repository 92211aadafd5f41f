// SPDX-License-Identifier: MIT
//
// The soak's requests: each must close once, and end as its kind must.
'use strict'

const http = require('node:http')

const { counted } = require('../../../bench/origins/payload')

const SMALL = 11
const KIB = 1024
const BIG = 64 * KIB
const POST = Buffer.alloc(4 * KIB, 'p')
const TIMEOUT = 20 // ms
const UPLOAD = 64 * KIB

// share: of a thousand. odd: goes to the odd server. `ends` is its
// expected outcome: so many bytes, an error with this code, UPGRADED, or CLOSED
// without any of them.
const KINDS = {
  small: { share: 600, path: '/11', ends: SMALL },
  '1k': { share: 120, path: '/1k', ends: KIB },
  '64k': { share: 40, path: '/64k', ends: BIG },
  paused: { share: 10, path: '/64k', ends: BIG, onResponse: pauseOften },
  post: { share: 80, path: '/echo-length', method: 'POST', body: POST, ends: counted(POST.length).length },
  upload: { share: 10, odd: true, path: '/upload', method: 'POST', onRequest: uploadInPieces, ends: 5 },
  chunked: { share: 40, odd: true, path: '/chunked', ends: 2000 },
  head: { share: 20, odd: true, path: '/close', method: 'HEAD', ends: 0 },
  hints: { share: 20, odd: true, path: '/hints', ends: 1000 },
  close: { share: 10, odd: true, path: '/close', ends: 1000 },
  own: { share: 10, path: '/11', ends: SMALL, agent: 'own' },
  'given up early': { share: 10, path: '/11', onRequest: (req) => req.destroy(), ends: 'ECONNRESET' },
  'given up late': { share: 10, path: '/64k', onResponse: (req, res) => res.destroy(), ends: 'CLOSED' },
  aborted: { share: 10, odd: true, path: '/stall', onRequest: abortSoon, ends: 'ABORT_ERR' },
  timeout: { share: 2, odd: true, path: '/stall', onRequest: timeOut, ends: 'LATE' },
  reset: { share: 5, odd: true, path: '/reset', ends: 'ECONNRESET' },
  upgrade: { share: 3, odd: true, path: '/', headers: { connection: 'upgrade', upgrade: 'echo' }, ends: 'UPGRADED' }
}

function pauseOften (req, res) {
  res.on('data', () => {
    res.pause()
    setImmediate(() => res.resume())
  })
}

function uploadInPieces (req) {
  for (let sent = 0; sent < UPLOAD; sent += POST.length) req.write(POST)
  req.end()
}

function abortSoon (req) {
  const controller = req.controller
  req.on('socket', () => setImmediate(() => controller.abort()))
}

function timeOut (req) {
  req.setTimeout(TIMEOUT, () => req.destroy(Object.assign(new Error('late'), { code: 'LATE' })))
}

// A table with a thousand entries: the kind of the n-th request.
const ORDER = Object.entries(KINDS).flatMap(([name, { share }]) => Array(share).fill(name))
for (let i = ORDER.length - 1, seed = 1; i > 0; i--) {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  const j = seed % (i + 1)
  ;[ORDER[i], ORDER[j]] = [ORDER[j], ORDER[i]]
}

class Load {
  // ports: { plain, odd }. onSmall(us): the latency of a small request.
  constructor ({ Agent, ports, concurrency, onSmall }) {
    this.Agent = Agent
    this.ports = ports
    this.concurrency = concurrency
    this.onSmall = onSmall
    this.agent = new Agent({ maxSockets: concurrency * 3 / 4 })
    this.ended = 0
    this.underWay = 0
    this.started = 0
    this.stopping = false
    this.wrong = new Map() // what went wrong, and how often
    this.whenIdle = null
  }

  start () {
    for (let i = 0; i < this.concurrency; i++) this.#next()
  }

  // Resolves when the last request has ended.
  async stop () {
    this.stopping = true
    if (this.underWay > 0) await new Promise((resolve) => { this.whenIdle = resolve })
    this.agent.destroy()
  }

  #fault (text) {
    this.wrong.set(text, (this.wrong.get(text) ?? 0) + 1)
  }

  #next () {
    const name = ORDER[this.started++ % ORDER.length]
    this.underWay++
    this.#request(name, KINDS[name])
  }

  #request (name, kind) {
    const begin = performance.now()
    const agent = kind.agent === 'own' ? new this.Agent() : this.agent
    const controller = kind.onRequest === abortSoon ? new AbortController() : null
    let outcome = 'CLOSED'
    let closed = 0
    const came = (to) => { if (outcome === 'CLOSED') outcome = to }
    const close = () => {
      if (++closed > 1) return this.#fault(`${name} closed ${closed} times`)
      if (outcome !== kind.ends) this.#fault(`${name} ended with ${outcome}, not ${kind.ends}`)
      if (name === 'small') this.onSmall((performance.now() - begin) * 1000)
      if (kind.agent === 'own') setImmediate(() => agent.destroy())
      this.#closed()
    }
    const req = http.request({
      host: '127.0.0.1',
      port: kind.odd ? this.ports.odd : this.ports.plain,
      path: kind.path,
      method: kind.method,
      headers: kind.headers,
      signal: controller?.signal,
      agent
    })
    req.controller = controller
    req.on('response', (res) => {
      let bytes = 0
      res.on('data', (chunk) => { bytes += chunk.length })
      // A destroyed response may still end, without data.
      res.on('end', () => { if (!res.destroyed || bytes > 0) came(bytes) })
      res.on('error', (err) => came(err.code))
      kind.onResponse?.(req, res)
    })
    req.on('upgrade', (res, socket) => {
      socket.on('data', () => socket.destroy())
      socket.on('close', close)
      socket.write('hello')
      came('UPGRADED')
    })
    req.on('error', (err) => came(err.code))
    // The error of a response comes a tick later.
    req.on('close', () => { if (outcome !== 'UPGRADED') setImmediate(close) })
    if (kind.onRequest !== undefined) kind.onRequest(req)
    if (kind.onRequest !== uploadInPieces && !req.destroyed) req.end(kind.body)
  }

  #closed () {
    this.ended++
    this.underWay--
    if (!this.stopping) this.#next()
    else if (this.underWay === 0) this.whenIdle?.()
  }
}

module.exports = { Load, KINDS }
