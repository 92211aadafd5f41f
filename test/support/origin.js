// SPDX-License-Identifier: MIT
//
// The origin that the tests of real clients talk to: one server with a path
// for each thing that a client may meet, which counts connections, writes down
// what it was asked, and emits a path's name when a request for it came in.
'use strict'

const { createHash } = require('node:crypto')
const { EventEmitter, once } = require('node:events')
const http = require('node:http')
const zlib = require('node:zlib')

const { start } = require('./servers')

const HELD = 10 // requests that /held answers together

async function readAll (req) {
  const chunks = []
  for await (const chunk of req) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function json (res, value, status = 200) {
  const body = Buffer.from(JSON.stringify(value))
  res.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length })
  res.end(body)
}

// Each takes (req, res, origin, url).
const paths = {
  async json (req, res) {
    const body = await readAll(req)
    json(res, { method: req.method, url: req.url, sent: body.length ? JSON.parse(body) : null })
  },

  async hash (req, res) {
    const hash = createHash('sha256')
    let bytes = 0
    for await (const chunk of req) {
      hash.update(chunk)
      bytes += chunk.length
    }
    json(res, { method: req.method, bytes, sha256: hash.digest('hex') })
  },

  // /redirect?status=302&to=/path&hops=2
  async redirect (req, res, origin, { searchParams }) {
    await readAll(req)
    const hops = Number(searchParams.get('hops') ?? 1)
    const to = searchParams.get('to')
    const status = Number(searchParams.get('status') ?? 302)
    const next = hops > 1 ? `/redirect?status=${status}&to=${to}&hops=${hops - 1}` : to
    res.writeHead(status, { Location: next })
    res.end('moved')
  },

  gzip (req, res) {
    const accepted = /\bgzip\b/.test(req.headers['accept-encoding'])
    const body = Buffer.from(JSON.stringify({ accepted, padding: 'x'.repeat(100000) }))
    res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Encoding': accepted ? 'gzip' : 'identity' })
    res.end(accepted ? zlib.gzipSync(body) : body)
  },

  large (req, res) {
    res.writeHead(200, { 'Content-Type': 'application/octet-stream' })
    for (let i = 0; i < 80; i++) res.write(Buffer.alloc(65536, i))
    res.end()
  },

  status (req, res, origin, { searchParams }) {
    json(res, { status: true }, Number(searchParams.get('code')))
  },

  none (req, res) {
    res.statusCode = 204
    res.end()
  },

  close (req, res) {
    res.shouldKeepAlive = false
    json(res, { closed: true })
  },

  never () {},

  // The head and the first bytes of a body that is never completed.
  stuck (req, res) {
    res.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 100 })
    res.write('begun')
  },

  hangup (req) { req.socket.end() },

  reset (req) { req.socket.resetAndDestroy() },

  garbage (req) { req.socket.end('this is not HTTP\r\n\r\n') },

  cutchunked (req, res) {
    res.writeHead(200, { 'Content-Type': 'text/plain' })
    res.write('begun', () => req.socket.end())
  },

  cutlength (req, res) {
    res.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 100 })
    res.write('begun', () => req.socket.end())
  },

  // Answers when HELD requests are there, so that none of HELD connections can
  // be left out.
  held (req, res, origin) {
    origin.held.push(res)
    if (origin.held.length < HELD) return
    for (const one of origin.held.splice(0)) json(one, { held: true })
  }
}

class Origin extends EventEmitter {
  constructor () {
    super()
    this.held = []
    this.open = new Set()
    this.forget()
    this.server = http.createServer((req, res) => this.#answer(req, res))
    this.server.on('connection', (socket) => {
      this.open.add(socket)
      this.mostOpen = Math.max(this.mostOpen, this.open.size)
      this.served.set(socket, 0)
      socket.on('close', () => {
        this.open.delete(socket)
        if (this.open.size === 0) this.emit('idle')
      })
    })
    this.server.on('clientError', (_, socket) => socket.destroy())
  }

  #answer (req, res) {
    const { socket } = req
    this.served.set(socket, this.served.get(socket) + 1)
    const connection = [...this.served.keys()].indexOf(socket)
    this.log.push({ connection, method: req.method, url: req.url, headers: req.rawHeaders })
    req.on('error', () => {}) // the client may go away
    res.sendDate = false // answers are compared
    const url = new URL(req.url, this.url)
    const name = url.pathname.slice(1)
    this.emit(name, req, res)
    Promise.resolve(paths[name](req, res, this, url)).catch((err) => {
      if (!req.destroyed) throw err // else the client has gone away
    })
  }

  // Restarts the counts, once no connection is open.
  forget () {
    this.served = new Map() // socket -> requests
    this.mostOpen = 0
    this.log = []
  }

  async quiet () {
    if (this.open.size > 0) await once(this, 'idle')
  }
}

async function startOrigin (t) {
  const origin = new Origin()
  origin.port = await start(t, origin.server)
  origin.url = `http://127.0.0.1:${origin.port}`
  return origin
}

module.exports = { startOrigin, HELD }
