// SPDX-License-Identifier: MIT
//
// Reads the completion ring: the only place where the core calls JavaScript. Each record
// goes to the handle of its connection. The cursor is kept outside drain(), so that after an
// exception in a callback (or a nested turn of the loop) the next call continues after the
// record that threw.
'use strict'

const { Buffer } = require('node:buffer') // test runners remove their globals

const native = require('./binding')
const { whyNotHere } = require('./host')

const { record, word, flag, size, register: result } = native

const INDEX_MASK = 2 ** size.ID_INDEX_BITS - 1
const WORDS = size.RECORD_WORDS

const memory = new ArrayBuffer(size.RING)
const words = new Uint32Array(memory, 0, size.RING_TEXT / 4)
const text = Buffer.from(memory, size.RING_TEXT)
const results = new Float64Array(result.SIZE) // additional results of calls; ids have 52 bits

// By the index of a connection's id: the CoreHandle that gets its records.
const handles = []

// The buffers into which the core reads. A user may transfer the memory of a chunk to a
// worker, or keep the chunk forever, so a chunk is a copy, or a whole slab that the user then
// owns. A slab has room for a body of 64 KiB and its head, or for the largest read while
// bodies are larger than that.
const SLAB_SMALL = 72 * 1024
const slabs = [] // by id, from 1 to size.SLABS
let slabSize = SLAB_SMALL

let epoch = 0
let cursor = 0
let end = 0

function giveSlab (id) {
  native.giveSlab(id, slabs[id])
}

// Passes a slab on with its last bytes, and replaces it with another. Without memory for
// that, the core gets the old one back.
function handOver (id, start, length) {
  const { buffer } = slabs[id]
  const next = Buffer.allocUnsafeSlow(slabSize)
  slabs[id] = next
  const end = start + length
  if (end === buffer.byteLength) slabSize = size.READ_MAX
  else if (end <= SLAB_SMALL) slabSize = SLAB_SMALL
  return Buffer.from(buffer, start, length)
}

// The ring has `count` records in its filling number `now`. Each handle reads its own run of
// them with take(). If the user runs the loop in a callback, or in a tick after it, this is
// called recursively, and the ring may be filled again before the outer call continues,
// which then has nothing more to read.
function drain (count, now) {
  if (((now - epoch) | 0) < 0) return
  if (now !== epoch) {
    epoch = now
    cursor = 0
  }
  end = count
  while (cursor < end) {
    const at = cursor * WORDS
    if (words[at + word.TYPE] === record.SLAB_DONE) {
      cursor++
      giveSlab(words[at + word.FLAGS])
      continue
    }
    const tag = words[at + word.CONN]
    const handle = handles[tag & INDEX_MASK]
    if (handle !== undefined && handle.tag === tag) {
      tell(handle, at)
    } else {
      cursor++ // the socket has been destroyed
    }
  }
}

// A handle takes its records in its own async scope. If that fails (an APM's patch, a user's
// property on a socket), the record would be next forever. It is skipped, and its connection
// is destroyed.
function tell (handle, at) {
  const before = cursor
  const batch = epoch
  let failure
  try {
    handle.onRecords(at)
  } catch (err) {
    failure = err
    throw err
  } finally {
    if (cursor === before && epoch === batch) {
      cursor++
      handle.lose(words[at + word.TYPE], failure)
    }
  }
}

// The part of connection id `id` that records carry: its low half.
function tagOf (id) {
  return id >>> 0
}

// The position of the next record if it has this tag, or -1. A taken record counts as read.
function take (tag) {
  if (cursor < end) {
    const at = cursor * WORDS
    if (words[at + word.CONN] === tag) {
      cursor++
      return at
    }
  }
  return -1
}

// Puts the last taken record back.
function putBack () {
  cursor--
}

function recordText (at, id) {
  if ((words[at + word.FLAGS] & flag.LONG_TEXT) !== 0) return longText(id)
  const start = words[at + word.TEXT_AT]
  return text.latin1Slice(start, start + words[at + word.TEXT_LEN])
}

function longText (id) {
  const long = native.takeText(id)
  if (typeof long !== 'string') throw new RangeError('A head is longer than any string')
  return long
}

// The bytes of a record as a Buffer for the user.
function recordBody (at) {
  const start = words[at + word.BODY_AT]
  const length = words[at + word.BODY_LEN]
  const flags = words[at + word.FLAGS]
  const slab = flags >>> flag.SLAB_SHIFT
  if ((flags & flag.OWN) !== 0) return handOver(slab, start, length)
  return copyOf(slab === 0 ? text : slabs[slab], start, length)
}

// V8 keeps so few bytes inside the typed array; since Node 24 copy() moves them out, which
// costs time.
const COPIED_ONE_BY_ONE = 32

function copyOf (source, start, length) {
  const copy = Buffer.allocUnsafeSlow(length) // Buffer's pool cannot be transferred
  if (length > COPIED_ONE_BY_ONE) source.copy(copy, 0, start, start + length)
  else for (let i = 0; i < length; i++) copy[i] = source[start + i]
  return copy
}

const reason = whyNotHere(native.setup(memory, results, drain))
if (reason === null) {
  for (let id = 1; id <= size.SLABS; id++) {
    slabs[id] = Buffer.allocUnsafeSlow(slabSize)
    giveSlab(id)
  }
}

module.exports = {
  reason, handles, words, results, INDEX_MASK, tagOf, take, putBack, recordText, recordBody
}
