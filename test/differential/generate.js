// SPDX-License-Identifier: MIT
//
// Random but reproducible scripts: what a client does with an agent, and what a
// server sends, byte for byte. A script is plain data, so that it can be printed and
// reduced; the same seed gives the same script.
//
// Races that exist with any client are left out: a server that acts at the same time
// as the client. If a script has both, one waits for the other.
'use strict'

// mulberry32
function random (seed) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (n) => Math.floor(next() * n)
  const pick = (list) => list[below(list.length)]
  const chance = (share) => next() < share
  return { below, pick, chance }
}

const STATUS_LINES = ['HTTP/1.1 200 OK', 'HTTP/1.1 200', 'HTTP/1.1 404 Not Found', 'HTTP/1.0 200 OK',
  'HTTP/1.1 500 \xe9rreur interne', 'HTTP/1.1 301 Moved Permanently', 'HTTP/1.1 299 ']

const HEADERS = [
  ['Date: now'], ['X-A: 1', 'x-a: 2'], ['Set-Cookie: a=1', 'Set-Cookie: b=2'], ['Empty:'],
  ['Space:   around  '], ['Latin: \xe4\xf6\xfc'], ['Content-Type: text/plain', 'Content-Type: text/html'],
  ['Keep-Alive: timeout=5'], ['Keep-Alive: timeout=100, max=3'], ['Keep-Alive: timeout=1'],
  ['Connection: keep-alive'], ['Connection: close'], ['Connection: Keep-Alive, X-A'],
  ['Vary: a', 'Vary: b'], ['Age: 1', 'Age: 2'], ['ETag: "x"']
]

const HINT = /^Keep-Alive:/

const BAD_HEADS = ['garbage\r\n\r\n', 'HTTP/1.1 2x0 OK\r\n\r\n', 'HTTP/1.1 200 OK\r\nNo Colon\r\n\r\n',
  'HTTP/1.1 200 OK\r\nBad Name : x\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n', 'HTTP/1.1 200 OK\nA: b\n\n',
  'HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n', 'HTTP/9.9 200 OK\r\n\r\n', 'HTTP/1.1 200 OK\r\nA: \x01\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\n folded: x\r\n\r\n', 'HTTP/1.1 200 OK\r\nA: b\r\n folded\r\nContent-Length: 0\r\n\r\n']

function bodyText (r) {
  const length = r.pick([0, 1, 2, 5, 17, 100, 1000, 5000, 20000])
  let text = ''
  while (text.length < length) text += `${text.length.toString(36)}.`
  return text.slice(0, length)
}

function chunked (r, body) {
  let out = ''
  for (let at = 0; at < body.length;) {
    const size = 1 + r.below(Math.min(body.length - at, r.pick([3, 100, 10000])))
    const extension = r.chance(0.1) ? r.pick([';a', ';a=b', ';a="b"']) : ''
    out += `${size.toString(16)}${extension}\r\n${body.slice(at, at + size)}\r\n`
    at += size
  }
  const trailers = r.chance(0.2) ? r.pick(['T: 1\r\n', 'T: 1\r\nt: 2\r\n', 'X-Sum: \xe4\r\n']) : ''
  return `${out}0\r\n${trailers}\r\n`
}

// The bytes of one response, and whether they only end with the connection.
function response (r, method, surplus) {
  const lines = []
  for (let n = r.below(4); n > 0; n--) {
    const more = r.pick(HEADERS)
    // Node reads the first hint only.
    if (!HINT.test(more[0]) || !lines.some((line) => HINT.test(line))) lines.push(...more)
  }
  const informational = r.chance(0.12)
    ? r.pick(['HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 102 Processing\r\nA: b\r\n\r\n',
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n',
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n'])
    : ''
  let kind = r.pick(['length', 'length', 'length', 'chunked', 'chunked', 'close', 'none', 'bad',
    'short', surplus ? 'surplus' : 'length', 'many'])
  // Some invalid heads have bodies, and without framing hawser keeps the connection:
  // docs/compatibility.md.
  if ((kind === 'bad' || kind === 'close') && method === 'HEAD') kind = 'length'
  let status = r.pick(STATUS_LINES)
  const body = bodyText(r)
  let tail = body
  let untilClose = false
  if (kind === 'bad') return { bytes: informational + r.pick(BAD_HEADS), untilClose: true }
  if (kind === 'length' || kind === 'surplus') {
    lines.push(`Content-Length: ${body.length}`)
    if (kind === 'surplus') tail += r.pick(['x', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'])
  } else if (kind === 'short') {
    lines.push(`Content-Length: ${body.length + 1 + r.below(100)}`)
    untilClose = true
  } else if (kind === 'chunked') {
    lines.push('Transfer-Encoding: chunked')
    tail = chunked(r, body)
  } else if (kind === 'many') {
    for (let i = r.pick([31, 32, 33, 70]); i > 0; i--) lines.push(`H${i}: ${i}`)
    lines.push(`Content-Length: ${body.length}`)
  } else if (kind === 'none') {
    status = r.pick(['HTTP/1.1 204 No Content', 'HTTP/1.1 304 Not Modified'])
    tail = ''
  } else {
    untilClose = true
  }
  if (method === 'HEAD' && kind !== 'surplus') tail = ''
  // Bytes after a response: Node keeps a connection with part of a second one.
  const whole = kind === 'surplus'
  const head = [status, ...lines, '', ''].join('\r\n')
  return { bytes: informational + head + tail, untilClose, whole }
}

// Where the bytes are split; each piece is sent as its own packet.
function pieces (r, bytes) {
  const way = r.pick(['whole', 'whole', 'some', 'some', 'bytes'])
  if (way === 'whole' || bytes.length < 2) return [bytes]
  if (way === 'bytes' && bytes.length < 120) return [...bytes]
  const cuts = new Set()
  for (let n = 1 + r.below(5); n > 0; n--) cuts.add(1 + r.below(bytes.length - 1))
  const sorted = [...cuts].sort((a, b) => a - b)
  return sorted.concat(bytes.length).map((cut, i) => bytes.slice(i === 0 ? 0 : sorted[i - 1], cut))
}

function serverPart (r, client, surplus) {
  const { method } = client
  const answer = client.upgrade !== undefined && r.chance(0.7)
    ? { bytes: `HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n${bodyText(r)}` }
    : client.connect !== undefined && r.chance(0.7)
      ? { bytes: `HTTP/1.1 200 Tunnel\r\nA: b\r\n\r\n${bodyText(r)}` }
      : response(r, method, surplus)
  const { bytes, untilClose, whole } = answer
  const then = untilClose
    ? r.pick(['end', 'end', 'reset'])
    : r.pick(['stay', 'stay', 'stay', 'stay', 'end', 'reset'])
  const part = { pieces: whole ? [bytes] : pieces(r, bytes), then }
  const early = r.chance(0.12) // the connection ends somewhere in the response
  if (early) {
    part.pieces = part.pieces.slice(0, r.below(part.pieces.length + 1))
    part.then = r.pick(['end', 'reset'])
  } else if (r.chance(0.03)) {
    part.pieces = part.pieces.slice(0, r.below(part.pieces.length + 1))
    part.then = 'stall'
  }
  return part
}

const ACTS = ['req.destroy', 'req.destroy(err)', 'req.abort', 'res.destroy', 'res.destroy(err)',
  'socket.destroy', 'signal', 'res.pause', 'agent.destroy', 'socket.end', 'agentRemove',
  'socket.setTimeout']
const EVENTS = ['start', 'socket', 'finish', 'response', 'data', 'end', 'information']

function clientPart (r, method) {
  const read = r.pick(['data', 'data', 'data', 'iterate', 'none', 'readable'])
  const part = { method, options: {}, body: [], end: 'with', read }
  const { options } = part
  if (r.chance(0.15)) {
    options.headers = r.pick([{ a: 'b' }, { A: ['b', 'c'] }, { connection: 'close' },
      { connection: 'keep-alive' }, { Host: 'h.test' }, ['X', 'y', 'Host', 'h']])
  }
  if (r.chance(0.05)) options.setHost = false
  if (r.chance(0.05)) options.joinDuplicateHeaders = true
  if (r.chance(0.05)) options.maxHeaderSize = r.pick([50, 200, 1000])
  if (r.chance(0.05)) options.insecureHTTPParser = true
  if (r.chance(0.05)) options.path = '/a b'.replace(' ', '%20')
  if (r.chance(0.04)) {
    part.upgrade = r.chance(0.8) // listens for it
    options.headers = { connection: 'upgrade', upgrade: 'x' }
  } else if (method === 'CONNECT') {
    part.connect = r.chance(0.8)
  }
  if (r.chance(0.05)) part.maxHeadersCount = r.pick([0, 1, 2, 40])
  if (r.chance(0.05)) part.encoding = r.pick(['utf8', 'hex', 'latin1'])
  if (r.chance(0.04)) part.flushHeaders = true
  if (r.chance(0.04)) part.noDelay = true
  if (method === 'POST' || method === 'PUT') {
    for (let n = r.below(4); n > 0; n--) part.body.push(r.pick(['a', 'hello', 'x'.repeat(3000), '', 'y'.repeat(70000)]))
    part.buffers = r.chance(0.4)
    part.cork = r.chance(0.1)
    part.end = r.pick(['with', 'after', 'later'])
    const length = part.body.join('').length
    if (r.chance(0.3) && options.headers === undefined) options.headers = { 'content-length': length }
    if (r.chance(0.05) && options.headers === undefined) {
      options.headers = { expect: '100-continue' }
      part.expect = true
    }
  }
  if (r.chance(0.15)) part.act = { at: r.pick(EVENTS), what: r.pick(ACTS) }
  // After a complete message Node's own socket has no listener for the error.
  if (/err|signal/.test(part.act?.what) && /data|end/.test(part.act.at)) part.act.at = 'response'
  if (r.chance(0.06)) part.timeout = r.pick(['option', 'request', 'late'])
  return part
}

function generate (seed, { surplus = true } = {}) {
  const r = random(seed)
  const agent = {}
  if (r.chance(0.1)) agent.keepAlive = false
  if (r.chance(0.4)) agent.maxSockets = r.pick([1, 1, 2])
  if (r.chance(0.1)) agent.maxFreeSockets = 1
  if (r.chance(0.1)) agent.scheduling = 'fifo'
  if (r.chance(0.05)) agent.timeout = 3000
  const script = { seed, agent, concurrent: r.chance(0.3), requests: [] }
  if (script.concurrent) { // which of two connections is free first is a race
    if (agent.maxSockets === 2) delete agent.maxSockets
    delete agent.maxFreeSockets
  }
  for (let n = 1 + r.below(4); n > 0; n--) {
    const method = r.pick(['GET', 'GET', 'GET', 'GET', 'GET', 'GET', 'HEAD', 'HEAD', 'POST', 'POST',
      'POST', 'POST', 'PUT', 'PUT', 'DELETE', 'OPTIONS', 'CONNECT'])
    const client = clientPart(r, method)
    const server = serverPart(r, client, surplus)
    server.at = r.pick(['body', 'body', 'body', 'head']) // when it answers
    if (client.body.length === 0 || client.expect || client.end === 'later') server.at = 'body'
    // A short timeout only where nothing else ends the request.
    client.patience = server.then === 'stall' ? 150 : 3000
    if (server.then === 'stall' && client.timeout === undefined) client.timeout = 'option'
    script.requests.push({ client, server })
  }
  return script
}

module.exports = { generate }
