// SPDX-License-Identifier: MIT
//
// What happens to request n under a seed: its kind of client, its fault, the bytes
// of its response, and the results that the client may have. Client and server both
// use this; they share nothing else.
'use strict'

const { Random } = require('./random')

const KINDS = ['get', 'post', 'paused', 'abort', 'timeout', 'upgrade', 'head', 'doomed']

// Of 1000 requests.
const WEIGHTS = {
  none: 554,
  reset: 70, // RST after a byte of the response
  'half-close': 50, // FIN after a byte of the response
  stall: 15, // silence after a byte, then FIN or RST
  'one-byte': 6,
  loris: 8, // a few bytes every few milliseconds
  garbage: 25,
  early: 40, // an upload gets a response, or a reset, at its head
  surplus: 20, // two responses
  short: 15, // Content-Length below the body's
  long: 15, // and above
  headers: 2, // without end
  extensions: 2, // of a chunk, without end
  close: 20, // Connection: close, but the server keeps it open
  informational: 30,
  'idle-bytes': 20,
  'idle-close': 25,
  'head-body': 8, // a body where none is allowed
  refused: 15,
  'accept-close': 15,
  speaks: 6, // responds when it accepts
  lookup: 18, // a look-up that fails
  addresses: 20, // the first addresses refuse
  nxdomain: 1
}
const FAULTS = Object.keys(WEIGHTS)
const DRAW = FAULTS.flatMap((fault) => new Array(WEIGHTS[fault]).fill(fault))

const TRAILS = new Set(['idle-bytes', 'idle-close', 'head-body', 'short', 'surplus', 'early', 'reset',
  'half-close', 'stall', 'long'])

const FRAMINGS = [...new Array(6).fill('length'), ...new Array(5).fill('chunked'), 'close']

const PATTERN_BYTES = 1 << 20
const GARBAGE = Buffer.from([0, 1, 2, 255, 0, 13, 0, 10, 7, 0, 200, 0])

function makePattern (seed) {
  const random = new Random(seed, 0x5eed)
  const pattern = Buffer.allocUnsafe(PATTERN_BYTES)
  for (let at = 0; at < PATTERN_BYTES; at += 4) pattern.writeUInt32LE(random.next(), at)
  return pattern
}

function drawSize (random, kind) {
  const roll = random.below(100)
  if (kind === 'paused') return 20_000 + random.below(roll < 80 ? 40_000 : 200_000)
  if (roll < 10) return 0
  if (roll < 85) return 12 + random.below(300)
  if (roll < 98) return 1000 + random.below(30_000)
  return 60_000 + random.below(150_000)
}

// Some faults need a short response, or a certain framing.
function drawAnswer (plan, random) {
  plan.framing = random.pick(FRAMINGS)
  plan.size = drawSize(random, plan.kind)
  switch (plan.fault) {
    case 'reset':
    case 'half-close':
    case 'stall':
    case 'one-byte':
    case 'loris':
      plan.size = random.below(64)
      break
    case 'garbage':
    case 'surplus':
    case 'headers':
      plan.size = random.below(400)
      break
    case 'short':
    case 'long':
      plan.framing = 'length'
      plan.size = 12 + random.below(2000)
      break
    case 'extensions':
      plan.framing = 'chunked'
  }
  const keepsOpen = plan.fault !== 'reset' && plan.fault !== 'half-close' && plan.fault !== 'stall'
  if (plan.framing === 'close' && keepsOpen && plan.fault !== 'none') plan.framing = 'length'
  if (!keepsOpen && random.chance(20)) plan.framing = 'close'
}

class Planner {
  constructor (seed) {
    this.seed = seed
    this.pattern = makePattern(seed)
  }

  plan (id) {
    const random = new Random(this.seed, id)
    const plan = {
      id,
      kind: random.pick(KINDS),
      fault: random.pick(DRAW),
      framing: 'length',
      size: 0,
      at: random.next() / 2 ** 32, // where in the response, 0 to 1
      variant: random.below(1 << 16),
      delay: 1 + random.below(20), // ms
      upload: 0,
      random // used by the client from here on
    }
    if (plan.fault === 'nxdomain' && !random.chance(20)) plan.fault = 'none'
    if (plan.kind === 'post') plan.upload = random.chance(80) ? random.below(3000) : random.below(200_000)
    drawAnswer(plan, random)
    return plan
  }

  // `length` bytes of request id's body from `from` on: its number, then a
  // piece of the pattern. salt: answers and uploads differ.
  body (id, salt, length) {
    const stamp = `${String(id).padStart(11, '0')}\n`
    const start = Math.imul(id * 2 + salt, 0x9e3779b1) >>> 13 // below 2 ** 19
    const body = Buffer.allocUnsafe(length)
    this.pattern.copy(body, 0, start, start + length)
    if (length >= stamp.length) body.latin1Write(stamp, 0)
    return body
  }

  answerBody (plan) {
    return this.body(plan.id, 0, plan.size)
  }

  uploadBody (plan) {
    return this.body(plan.id, 1, plan.upload)
  }

  // { bytes, head, end, body }: the whole response, where its head ends, where the
  // message ends, and the body that the client must get.
  answer (plan) {
    if (plan.kind === 'upgrade' && upgrades(plan)) return upgradeAnswer(plan)
    const full = this.answerBody(plan)
    let declared = full.length
    if (plan.fault === 'short') declared = Math.floor(full.length * plan.at)
    if (plan.fault === 'long') declared = full.length + 1 + plan.variant % 5000
    let head = `HTTP/1.1 200 OK\r\nx-id: ${plan.id}\r\n`
    if (plan.framing === 'length') head += `Content-Length: ${declared}\r\n`
    if (plan.framing === 'chunked') head += 'Transfer-Encoding: chunked\r\n'
    if (plan.framing === 'close' || plan.fault === 'close') head += 'Connection: close\r\n'
    else if (plan.variant & 1) head += 'Connection: keep-alive\r\n'
    const top = Buffer.from(`${head}\r\n`, 'latin1')
    if (plan.kind === 'head' && plan.fault !== 'head-body') {
      return { bytes: top, head: top.length, end: top.length, body: full.subarray(0, 0) }
    }
    const rest = plan.framing === 'chunked' ? chunks(full, plan) : full
    const bytes = Buffer.concat([top, rest])
    if (plan.kind === 'head') {
      return { bytes, head: top.length, end: top.length, body: full.subarray(0, 0) }
    }
    return {
      bytes,
      head: top.length,
      end: plan.fault === 'short' ? top.length + declared : bytes.length,
      body: plan.fault === 'short' ? full.subarray(0, declared) : full
    }
  }
}

// Other faults of an upgrade get an ordinary response.
function upgrades (plan) {
  return ['none', 'reset', 'half-close', 'stall', 'one-byte', 'loris', 'garbage', 'close',
    'informational', 'addresses'].includes(plan.fault)
}

function upgradeAnswer (plan) {
  const bytes = Buffer.from('HTTP/1.1 101 Switching Protocols\r\n' +
    `x-id: ${plan.id}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`, 'latin1')
  return { bytes, head: bytes.length, end: bytes.length, body: bytes.subarray(0, 0) }
}

function chunks (body, plan) {
  const parts = []
  const step = 1 + plan.variant % (body.length < 100 ? 40 : 20_000)
  for (let at = 0; at < body.length; at += step) {
    const piece = body.subarray(at, at + step)
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`, 'latin1'), piece, Buffer.from('\r\n'))
  }
  parts.push(Buffer.from(plan.variant & 2 ? '0\r\n\r\n' : `0\r\nx-trailer: ${plan.id}\r\n\r\n`, 'latin1'))
  return Buffer.concat(parts)
}

// The number of bytes of the response before the fault.
function cutAt (plan, answer) {
  return Math.floor(plan.at * (answer.end + 1))
}

// The end of the connection by a fault that ends it: 'rst' or 'fin'.
function endsWith (plan) {
  if (plan.fault === 'reset') return 'rst'
  if (plan.fault === 'half-close') return 'fin'
  return plan.variant & 4 ? 'rst' : 'fin'
}

// Where in a response garbage is certainly an error: in its head, or instead of a
// chunk's size.
function garbageAt (plan, answer) {
  if (plan.variant & 8) return 0
  const chunked = plan.framing === 'chunked' && plan.kind !== 'head' && plan.kind !== 'upgrade'
  if (chunked && plan.variant & 16) return answer.head
  return Math.floor(plan.at * (answer.head - 4))
}

// Faults of a body, where there is none.
function harmless ({ fault, kind }) {
  return (fault === 'long' && kind === 'head') ||
    (fault === 'extensions' && (kind === 'head' || kind === 'upgrade'))
}

// May anything follow a complete response, so that Node has an error after it?
function trails ({ fault }) {
  return TRAILS.has(fault)
}

// May the request end complete: 'must', 'may' or 'never'; and with which body.
function expected (plan, answer) {
  const body = answer.body
  switch (plan.fault) {
    case 'reset':
    case 'half-close':
    case 'stall': {
      const at = cutAt(plan, answer)
      const fin = endsWith(plan) === 'fin'
      const untilClose = plan.framing === 'close' && plan.kind !== 'head' && plan.kind !== 'upgrade'
      if (untilClose && at >= answer.head) {
        // libuv reads a reset after the last bytes as an end (uv__stream_io,
        // POLLHUP), so the client cannot always notice it.
        return { complete: fin ? 'must' : 'may', body: body.subarray(0, at - answer.head) }
      }
      if (at < answer.end) return { complete: 'never', body }
      return { complete: fin ? 'must' : 'may', body }
    }
    case 'garbage': case 'long': case 'headers': case 'extensions': case 'refused':
    case 'accept-close': case 'lookup': case 'nxdomain':
      return {
        complete: harmless(plan) ? 'must' : 'never',
        body
      }
    case 'early':
      if (plan.kind !== 'post') return { complete: 'must', body }
      return { complete: ['must', 'may', 'never'][plan.variant % 3], body }
    case 'speaks':
      return { complete: 'may', body }
  }
  return { complete: 'must', body }
}

// Must the client not reuse the connection?
function spoils (plan, answer) {
  if (plan.fault === 'surplus' || plan.fault === 'close' || plan.framing === 'close') return true
  return answer.bytes.length > answer.end
}

module.exports = {
  Planner, KINDS, FAULTS, GARBAGE, upgrades, cutAt, endsWith, garbageAt, expected, trails, spoils
}
