// SPDX-License-Identifier: MIT
//
// The chaos server, a child process: responds to each request according to its plan,
// and watches the client. It must never see a request on a spoilt connection, a
// request before the response to the previous one, bytes that are not a request, or
// an upload that differs from what was sent.
//
// Usage: fork(server.js, [seed]); it sends { ports }. 'restart' resets every
// connection, closes the listener and opens it again; 'count' asks for the
// counts. It ends with its parent.
'use strict'

const net = require('node:net')

const { Planner, GARBAGE, upgrades, cutAt, endsWith, garbageAt, spoils } = require('./plan')

const planner = new Planner(Number(process.argv[2]))
const ENDLESS_BYTES = 512 * 1024
const AT_ONCE_BYTES = 16 * 1024 // a client's kernel takes them without being read
const GIVE_UP_MS = 3000
const LATE_MS = 1000 // bytes this old on an idle connection must have been seen

const connections = new Set()
const counts = { connections: 0, requests: 0, answers: 0, uploads: 0, cutUploads: 0 }
const violations = []

function violation (id, text) {
  violations.push({ id, text: `server: ${text}` })
}

class Connection {
  constructor (socket) {
    this.socket = socket
    this.pending = null // bytes of a head that is not complete
    this.plan = null // of the request that is being read or answered
    this.upload = null // { left, chunked, parts, seen } while one is read
    this.echo = false
    this.spoilt = null // why no other request may come
    this.idleBytesAt = 0
    this.answered = true
    this.ended = false
    this.over = false
    connections.add(this)
    counts.connections++
    socket.setNoDelay(true)
    socket.on('error', () => {}) // the client may reset it; 'close' follows
    socket.on('data', (chunk) => this.onData(chunk))
    socket.on('end', () => this.onEnd())
    socket.on('close', () => {
      this.over = true
      connections.delete(this)
    })
  }

  onData (chunk) {
    while (!this.over && chunk !== null && chunk.length > 0) {
      if (this.echo) return this.socket.write(chunk)
      if (this.upload !== null) chunk = this.readUpload(chunk)
      else chunk = this.readHead(chunk)
    }
  }

  // A client that has finished, or has given up, needs no more.
  onEnd () {
    if (this.upload !== null && this.upload.early !== true) counts.cutUploads++
    if (this.echo || this.answered || this.upload !== null) this.socket.end()
    else this.destroy()
  }

  readHead (chunk) {
    const bytes = this.pending === null ? chunk : Buffer.concat([this.pending, chunk])
    const end = bytes.indexOf('\r\n\r\n')
    if (end === -1) {
      this.pending = bytes
      if (bytes.length > 64 * 1024) this.malformed(bytes)
      return null
    }
    this.pending = null
    const head = bytes.latin1Slice(0, end + 2)
    const match = /^(?:GET|POST|HEAD) \/(\d+) HTTP\/1\.1\r\n/.exec(head)
    if (match === null) return this.malformed(bytes)
    this.onHead(Number(match[1]), head)
    return bytes.subarray(end + 4)
  }

  malformed (bytes) {
    violation(this.plan?.id ?? -1, `no request: ${JSON.stringify(bytes.latin1Slice(0, 80))} after this one`)
    this.destroy()
    return null
  }

  onHead (id, head) {
    if (!this.answered) violation(id, `came before ${this.plan.id} was answered`)
    if (this.spoilt !== null) violation(id, `came on a connection that ${this.spoilt}`)
    if (this.idleBytesAt !== 0 && Date.now() - this.idleBytesAt > LATE_MS) {
      violation(id, `came ${Date.now() - this.idleBytesAt} ms after bytes on its idle connection`)
    }
    counts.requests++
    if (this.ended) return this.reset() // it crossed our FIN
    this.answered = false
    const plan = planner.plan(id)
    this.plan = plan
    const length = /^content-length: (\d+)\r$/im.exec(head)
    const chunked = /^transfer-encoding: chunked\r$/im.test(head)
    const left = length === null ? 0 : Number(length[1])
    if (chunked || left > 0) {
      this.upload = { left: chunked ? 0 : left, chunked, line: '', state: 'size', parts: [], early: false }
    }
    if (plan.fault === 'early' && plan.kind === 'post') return this.answerEarly(plan)
    if (/^expect: 100-continue\r$/im.test(head)) this.socket.write('HTTP/1.1 100 Continue\r\n\r\n')
    if (this.upload === null) this.answer(plan)
  }

  readUpload (chunk) {
    const upload = this.upload
    if (!upload.chunked) {
      const part = chunk.subarray(0, upload.left)
      upload.parts.push(part)
      upload.left -= part.length
      if (upload.left === 0) this.uploaded()
      return chunk.subarray(part.length)
    }
    let at = 0
    while (at < chunk.length && this.upload !== null) {
      if (upload.state === 'data') {
        const part = chunk.subarray(at, at + upload.left)
        upload.parts.push(part)
        upload.left -= part.length
        at += part.length
        if (upload.left === 0) upload.state = 'after'
        continue
      }
      const byte = chunk[at++]
      if (byte !== 10) {
        if (byte !== 13) upload.line += String.fromCharCode(byte)
        continue
      }
      const line = upload.line
      upload.line = ''
      if (upload.state === 'after') {
        upload.state = 'size'
      } else if (upload.state === 'last') {
        this.uploaded()
      } else {
        upload.left = Number.parseInt(line, 16)
        if (!/^[0-9a-f]+$/i.test(line)) return this.malformed(Buffer.from(line))
        upload.state = upload.left === 0 ? 'last' : 'data'
      }
    }
    return chunk.subarray(at)
  }

  uploaded () {
    const { parts, early } = this.upload
    const plan = this.plan
    this.upload = null
    counts.uploads++
    if (!Buffer.concat(parts).equals(planner.uploadBody(plan))) violation(plan.id, 'its upload is not what was sent')
    if (early) this.answered = true
    else this.answer(plan)
  }

  destroy () {
    this.over = true
    this.socket.destroy()
  }

  reset () {
    this.over = true
    // libuv resets no connection whose end was sent, and Node leaves it open then.
    if (this.socket.writableEnded) this.socket.destroy()
    else this.socket.resetAndDestroy()
  }

  later (ms, act) {
    setTimeout(() => { if (!this.over) act() }, ms)
  }

  // FIN, after which the client must close. If it does not, it is cut off.
  end () {
    this.socket.end()
    this.ended = true
    this.later(GIVE_UP_MS, () => this.reset())
  }

  finish (how) {
    if (how === 'rst') this.reset()
    else this.end()
  }

  // The whole response has been sent.
  done (plan, answer) {
    counts.answers++
    if (upgrades(plan) && plan.kind === 'upgrade') {
      this.echo = true
      return
    }
    this.answered = true
    if (spoils(plan, answer)) this.spoilt = `was spoilt by the answer to ${plan.id} (${plan.fault})`
  }

  answerEarly (plan) {
    const answer = planner.answer(plan)
    if (plan.variant % 3 === 2) return this.reset()
    this.socket.write(answer.bytes)
    if (this.upload === null) return this.done(plan, answer)
    this.upload.early = true
    if (spoils(plan, answer)) this.spoilt = `was spoilt by the early answer to ${plan.id}`
    if (plan.variant % 3 === 1) {
      this.socket.end()
      this.later(plan.delay, () => this.destroy())
    }
  }

  answer (plan) {
    const answer = planner.answer(plan)
    const { socket } = this
    const whole = () => {
      socket.write(answer.bytes)
      this.done(plan, answer)
    }
    switch (plan.fault) {
      case 'reset':
      case 'half-close':
        this.part(plan, answer)
        return this.finish(endsWith(plan))
      case 'stall':
        this.part(plan, answer)
        return this.later(plan.delay, () => {
          // Another request may have come after the whole response.
          if (this.plan === plan) this.finish(endsWith(plan))
        })
      case 'one-byte':
        return this.dribble(plan, answer, 1, setImmediate)
      case 'loris':
        return this.dribble(plan, answer, 3 + plan.variant % 20,
          (next) => setTimeout(next, 1 + plan.variant % 5))
      case 'garbage':
        socket.write(Buffer.concat([answer.bytes.subarray(0, garbageAt(plan, answer)), GARBAGE]))
        return this.end()
      case 'surplus':
        socket.write(Buffer.concat([answer.bytes, surplus(plan)]))
        return this.done(plan, answer)
      case 'long':
        socket.write(answer.bytes)
        if (plan.kind === 'head') this.done(plan, answer)
        return this.finish(endsWith(plan))
      case 'headers':
        return this.endless('HTTP/1.1 200 OK\r\n', (n) => `x-${n}: ${'a'.repeat(1000)}\r\n`)
      case 'extensions':
        if (plan.kind === 'head' || plan.kind === 'upgrade') return whole()
        return this.endless(answer.bytes.latin1Slice(0, answer.head) + '5', () => `;name=${'b'.repeat(1000)}`)
      case 'informational':
        socket.write('HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n')
        return whole()
      case 'idle-bytes':
        whole()
        return this.later(plan.delay >> 2, () => this.speakIdle(plan))
      case 'idle-close':
        whole()
        return this.later(plan.delay >> 2, () => this.closeIdle(plan))
    }
    whole()
    if (plan.framing === 'close' && !this.echo) this.end()
  }

  part (plan, answer) {
    const at = cutAt(plan, answer)
    this.socket.write(answer.bytes.subarray(0, at))
    if (at === answer.end) this.done(plan, answer)
  }

  dribble (plan, answer, step, pace) {
    const { bytes } = answer
    let at = 0
    const next = () => {
      if (this.over) return
      this.socket.write(bytes.subarray(at, at + step))
      at += step
      if (at < bytes.length) pace(next)
      else this.done(plan, answer)
    }
    next()
  }

  endless (start, more) {
    const { socket } = this
    let sent = 0
    socket.write(start)
    const next = () => {
      while (!this.over) {
        const text = more(sent)
        sent += text.length
        const room = socket.write(text)
        if (sent > ENDLESS_BYTES) return this.later(200, () => this.reset())
        if (!room) {
          socket.once('drain', next)
          return
        }
      }
    }
    next()
  }

  // Only if no request has come meanwhile. A request may cross the bytes; one from a
  // later second may not.
  speakIdle (plan) {
    if (!this.answered || this.plan !== plan || this.pending !== null) return
    this.socket.write(plan.variant & 32 ? GARBAGE : surplus(plan, 'Connection: close\r\n'))
    this.idleBytesAt = Date.now()
  }

  closeIdle (plan) {
    if (!this.answered || this.plan !== plan || this.pending !== null) return
    // A reset discards what the client has not read of a long response.
    this.finish(plan.size > AT_ONCE_BYTES ? 'fin' : endsWith(plan))
  }
}

// An unrequested response. If a request may cross it, it ends its
// connection: otherwise each later request would get its predecessor's response.
function surplus (plan, headers = '') {
  return Buffer.from(`HTTP/1.1 200 OK\r\nx-surplus: ${plan.id}\r\n${headers}` +
    'Content-Length: 7\r\n\r\nsurplus', 'latin1')
}

const main = net.createServer({ allowHalfOpen: true }, (socket) => new Connection(socket))

const closer = net.createServer((socket) => {
  socket.on('error', () => {})
  counts.connections++
  if (counts.connections & 1) socket.resetAndDestroy()
  else socket.destroy()
})

const speaker = net.createServer((socket) => {
  socket.on('error', () => {})
  counts.connections++
  socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 8\r\n\r\ntoo late')
  socket.resume()
})

// A port that refuses: the local end of an open connection.
function occupy (port, found) {
  const client = net.connect(port, '127.0.0.1', () => found(client.localPort))
}

function listen (server, port, done) {
  server.listen({ port, host: '127.0.0.1', backlog: 1024 }, done)
}

function restart () {
  const { port } = main.address()
  main.close(() => {
    // The port may be the local end of another connection.
    main.on('error', () => setImmediate(again))
    const again = () => main.listen({ port, host: '127.0.0.1', backlog: 1024 })
    main.once('listening', () => {
      main.removeAllListeners('error')
      process.send({ restarted: true })
    })
    again()
  })
  for (const connection of connections) connection.reset()
}

const holder = net.createServer(() => {})
listen(holder, 0, () => occupy(holder.address().port, (refused) => {
  listen(main, 0, () => listen(closer, 0, () => listen(speaker, 0, () => {
    process.send({
      ports: {
        main: main.address().port,
        closer: closer.address().port,
        speaker: speaker.address().port,
        refused
      }
    })
  })))
}))

process.on('message', (what) => {
  if (what === 'restart') restart()
  else reportWhenClosed(performance.now() + GIVE_UP_MS)
})

// The client has closed all of its connections by now.
function reportWhenClosed (deadline) {
  if (connections.size > 0 && performance.now() < deadline) {
    setImmediate(reportWhenClosed, deadline)
    return
  }
  for (const { plan } of connections) violation(plan?.id ?? -1, 'its connection is still open')
  process.send({ counts, violations })
}

process.on('disconnect', () => process.exit())
