// SPDX-License-Identifier: MIT
//
// Runs one script with an Agent of a given class against its own server and returns
// everything that a user could see: per request and per socket the events in order,
// with their arguments and the state at that moment; and per connection the bytes
// that the server got.
'use strict'

const http = require('node:http')
const net = require('node:net')
const { once } = require('node:events')

const TURNS = 4 // of the loop, between two acts of one side
const STALLED = 5000 // ms: a script that takes longer is stuck

function turns (n, then) {
  if (n === 0) then()
  else setImmediate(turns, n - 1, then)
}

function describe (err) {
  if (err === null || err === undefined) return String(err)
  const { name, code, message, errno, syscall, bytesParsed, reason, rawPacket } = err
  return JSON.stringify({ name, code, message, errno, syscall, bytesParsed, reason, raw: rawPacket?.toString('latin1') })
}

// -- the server -----------------------------------------------------------------

function play (socket, { pieces, then }, i = 0) {
  if (socket.destroyed) return
  if (i < pieces.length) {
    socket.write(Buffer.from(pieces[i], 'latin1'))
    turns(TURNS, () => play(socket, { pieces, then }, i + 1))
  } else if (then === 'end') {
    socket.end()
  } else if (then === 'reset') {
    socket.resetAndDestroy()
  }
}

// The length of the request's body in `text`, or -1 if it is incomplete.
function bodyEnd (head, text, from) {
  if (/^transfer-encoding: chunked/im.test(head)) {
    const end = text.indexOf('0\r\n\r\n', from)
    return end === -1 ? -1 : end + 5
  }
  const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0)
  return text.length >= from + length ? from + length : -1
}

function serve (script, connections) {
  const server = net.createServer({ noDelay: true }, (socket) => {
    const seen = { text: '' }
    connections.push(seen)
    let at = 0
    let answered = false
    socket.on('error', () => {}) // the client may reset it
    socket.on('data', (chunk) => {
      seen.text += chunk.latin1Slice()
      for (;;) {
        const headEnd = seen.text.indexOf('\r\n\r\n', at)
        if (headEnd === -1) return
        const head = seen.text.slice(at, headEnd)
        const part = script.requests[Number(/[?]r=(\d+)/.exec(head)?.[1])]
        if (part === undefined) return
        const end = bodyEnd(head, seen.text, headEnd + 4)
        if (!answered && (part.server.at === 'head' || end !== -1)) {
          answered = true
          turns(TURNS, () => play(socket, part.server))
        } else if (part.client.expect && !seen.continued && end === -1) {
          seen.continued = true
          turns(TURNS, () => socket.write('HTTP/1.1 100 Continue\r\n\r\n'))
        }
        if (end === -1) return
        at = end
        answered = false
        seen.continued = false
      }
    })
  })
  server.listen(0, '127.0.0.1')
  return server
}

// -- the client -----------------------------------------------------------------

class Run {
  constructor (script, Agent, port) {
    this.script = script
    this.port = port
    this.agent = new Agent({ keepAlive: true, freeSocketTimeout: 0, ...script.agent })
    this.requests = script.requests.map(() => [])
    this.sockets = new Map() // socket: { own, request }, lists
    this.unhandled = []
  }

  // The events of a socket are in its own list and in that of its current or last
  // request.
  watchSocket (socket, requestList) {
    const known = this.sockets.get(socket)
    if (known !== undefined) {
      known.request = requestList
      return
    }
    const lists = { own: [], request: requestList }
    this.sockets.set(socket, lists)
    const note = (text) => {
      lists.own.push(text)
      lists.request.push(`its socket: ${text}`)
    }
    for (const name of ['connect', 'timeout', 'free', 'agentRemove', 'end']) {
      socket.on(name, () => note(name))
    }
    socket.on('close', (hadError) => note(`close ${hadError} ${socket.destroyed}`))
  }

  start (i, done) {
    const { client } = this.script.requests[i]
    const list = this.requests[i]
    const note = (text) => list.push(text)
    const controller = new AbortController()
    const options = {
      host: '127.0.0.1',
      port: this.port,
      path: `/?r=${i}`,
      method: client.method,
      agent: this.agent,
      ...client.options
    }
    if (options.path !== `/?r=${i}`) options.path += `?r=${i}`
    if (client.timeout === 'option') options.timeout = client.patience
    if (client.act?.what === 'signal') options.signal = controller.signal
    let req
    try {
      req = http.request(options)
    } catch (err) {
      note(`throws ${describe(err)}`)
      return done()
    }
    let response = null
    let acted = false
    let closed = false
    const act = (event) => {
      if (acted || client.act?.at !== event) return
      acted = true
      note(`act ${client.act.what}`)
      switch (client.act.what) {
        case 'req.destroy': return req.destroy()
        case 'req.destroy(err)': return req.destroy(new Error('mine'))
        case 'req.abort': return req.abort()
        case 'res.destroy': return response?.destroy()
        case 'res.destroy(err)': return response?.destroy(new Error('mine'))
        case 'socket.destroy': return req.socket?.destroy()
        case 'signal': return controller.abort()
        case 'agent.destroy': return this.agent.destroy()
        case 'socket.end': return req.socket?.end()
        case 'agentRemove':
          req.socket?.on('error', (err) => note(`own socket ${describe(err)}`))
          return req.socket?.emit('agentRemove')
        case 'socket.setTimeout': return req.socket?.setTimeout(3000)
        case 'res.pause':
          response?.pause()
          turns(3 * TURNS, () => response?.resume())
      }
    }
    if (client.maxHeadersCount !== undefined) req.maxHeadersCount = client.maxHeadersCount
    if (client.noDelay) req.setNoDelay(true)
    if (client.timeout === 'request') req.setTimeout(client.patience)

    req.on('socket', (socket) => {
      this.watchSocket(socket, list)
      note(`socket reused ${req.reusedSocket}`)
      if (client.timeout === 'late') req.setTimeout(client.patience)
      act('socket')
    })
    req.on('finish', () => { note(`finish ${req.writableFinished}`); act('finish') })
    req.on('abort', () => note('abort'))
    req.on('timeout', () => { note('timeout'); req.destroy() })
    let sent = false
    req.on('continue', () => {
      note('continue')
      if (client.expect && !sent) sendBody()
    })
    req.on('information', (info) => { note(`information ${JSON.stringify(info)}`); act('information') })
    req.on('error', (err) => note(`error ${describe(err)} ${req.destroyed} ${req.reusedSocket}`))
    req.on('close', () => {
      note(`close ${req.destroyed} ${req.aborted} ${req.writableEnded} ${response?.complete}`)
      if (!closed) turns(3 * TURNS, done) // the server may act once more
      closed = true
    })
    for (const name of ['upgrade', 'connect']) {
      if (client[name]) {
        req.on(name, (res, socket, head) => {
          let bytes = String(head)
          note(`${name} ${res.statusCode} ${JSON.stringify(res.headers)} ${socket === req.socket}`)
          socket.on('data', (chunk) => { bytes += chunk })
          socket.on('error', (err) => note(`tunnel error ${describe(err)}`))
          socket.on('close', () => note(`tunnel close ${hash(bytes)}`))
          socket.on('end', () => note(`tunnel end ${hash(bytes)}`))
          socket.write('GET /?r=none tunnelled\r\n\r\n')
          turns(3 * TURNS * this.script.requests[i].server.pieces.length, () => socket.end())
        })
      }
    }
    if (client.read !== 'none') req.on('response', (res) => this.read(res, client, note, act, (r) => { response = r }))

    const write = (text, callback) => req.write(client.buffers ? Buffer.from(text) : text, callback)
    const sendBody = () => {
      sent = true
      const { body } = client
      if (client.cork) req.cork()
      if (client.end === 'later') {
        const next = (n) => {
          if (req.destroyed) return
          if (n === body.length) return req.end()
          write(body[n])
          turns(TURNS, () => next(n + 1))
        }
        return next(0)
      }
      const last = client.end === 'with' ? body.at(-1) : undefined
      for (const text of client.end === 'with' ? body.slice(0, -1) : body) write(text)
      if (client.cork) req.uncork()
      req.end(client.buffers && last !== undefined ? Buffer.from(last) : last)
    }
    if (client.flushHeaders || client.expect) req.flushHeaders()
    if (!client.expect) sendBody()
    act('start')
  }

  read (res, client, note, act, keep) {
    keep(res)
    const { statusCode, statusMessage, httpVersion, headers, rawHeaders } = res
    note(`response ${JSON.stringify({ statusCode, statusMessage, httpVersion, headers, rawHeaders })} ${res.req.reusedSocket} ${res.complete}`)
    let body = ''
    const state = () => `${body.length} ${res.complete} ${res.aborted} ${res.destroyed} ${JSON.stringify(res.trailers)} ${JSON.stringify(res.rawTrailers)} ${hash(body)}`
    if (client.encoding) res.setEncoding(client.encoding)
    res.on('aborted', () => note(`res aborted ${state()}`))
    res.on('error', (err) => note(`res error ${describe(err)}`))
    res.on('timeout', () => note('res timeout'))
    res.on('close', () => note(`res close ${state()}`))
    res.on('end', () => { note(`res end ${state()}`); act('end') })
    act('response')
    const got = (chunk) => {
      body += typeof chunk === 'string' ? chunk : chunk.latin1Slice()
      act('data')
    }
    if (client.read === 'data') {
      res.on('data', got)
    } else if (client.read === 'readable') {
      res.on('readable', () => {
        for (let chunk = res.read(); chunk !== null; chunk = res.read()) got(chunk)
      })
    } else {
      const iterate = async () => { for await (const chunk of res) got(chunk) }
      iterate().then(() => note('iterated'), (err) => note(`iteration ${describe(err)}`))
    }
  }

  // Everything at once, or one after the other.
  all (done) {
    const count = this.script.requests.length
    let left = count
    if (this.script.concurrent) {
      for (let i = 0; i < count; i++) this.start(i, () => { if (--left === 0) done() })
    } else {
      const next = (i) => {
        if (i === count) done()
        else this.start(i, () => next(i + 1))
      }
      next(0)
    }
  }

  lists () {
    const { agent } = this
    const count = (lists) => Object.values(lists).flat().length
    return `${count(agent.sockets)} ${count(agent.freeSockets)} ${count(agent.requests)} ${agent.totalSocketCount}`
  }
}

function hash (text) {
  let sum = 0
  for (let i = 0; i < text.length; i++) sum = (sum * 31 + text.charCodeAt(i)) | 0
  return sum
}

// Resolves to { requests, sockets, lists, wire }, all of strings.
async function trace (script, Agent) {
  const connections = []
  const server = serve(script, connections)
  await once(server, 'listening')
  const open = new Set()
  server.on('connection', (socket) => open.add(socket))
  const run = new Run(script, Agent, server.address().port)
  let stuck
  await new Promise((resolve) => {
    stuck = setTimeout(() => { run.stuck = true; resolve() }, STALLED)
    run.all(resolve)
  })
  clearTimeout(stuck)
  await new Promise((resolve) => turns(3 * TURNS, resolve))
  const lists = run.stuck ? 'stuck' : run.lists()
  run.agent.destroy()
  for (const socket of open) socket.destroy()
  server.close()
  await new Promise((resolve) => turns(TURNS, resolve))
  return {
    requests: run.requests,
    sockets: [...run.sockets.values()].map(({ own }) => own),
    lists,
    wire: connections.map(({ text }) => text.replaceAll(`127.0.0.1:${run.port}`, 'host'))
  }
}

module.exports = { trace }
