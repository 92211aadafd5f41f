// SPDX-License-Identifier: MIT
//
// A write that the core has not taken whole. The core queues a bounded copy of what the
// kernel does not accept, and keeps no pointer into JavaScript's memory. The rest waits
// here, and each piece is checked again when there is room for it: the user may have
// transferred or resized the memory meanwhile.
'use strict'

const { size: { CHUNKS } } = require('./binding')

// The most for one native.writev(): strings are copied for it, and anything that exceeds
// the kernel's buffer is copied in vain.
const BYTES_ENOUGH = 256 * 1024

// Longer strings are converted to Buffers: the core copies a string as a whole.
const STRING_MAX = 16 * 1024

class PendingWrite {
  // chunks: Buffers and latin1 strings; callback: of _write().
  constructor (chunks, callback) {
    this.callback = callback
    this.chunks = chunks
    this.sizes = chunks.map((chunk) => chunk.length)
    this.bytes = lengthOf(chunks)
    this.left = this.bytes
    this.index = 0 // of the next chunk
    this.offset = 0 // in it
  }

  // The core has taken `taken` more bytes.
  advance (taken) {
    this.left -= taken
    this.offset += taken
    while (this.index < this.sizes.length && this.offset >= this.sizes[this.index]) {
      this.offset -= this.sizes[this.index]
      this.chunks[this.index] = null
      this.index++
    }
  }

  // The next piece, or null if memory of it is no longer there.
  next () {
    let end = this.index
    let bytes = -this.offset
    while (end < this.sizes.length && end - this.index < CHUNKS && bytes < BYTES_ENOUGH) {
      bytes += this.sizes[end]
      end++
    }
    return this.#part(end)
  }

  // The whole rest, or null.
  rest () {
    return this.#part(this.sizes.length)
  }

  #part (end) {
    const part = this.chunks.slice(this.index, end)
    for (let i = 0; i < part.length; i++) {
      const size = this.sizes[this.index + i]
      const start = i === 0 ? this.offset : 0
      if (part[i].length < size) return null
      if (start === 0 && part[i].length === size) continue
      part[i] = typeof part[i] === 'string' ? part[i].slice(start) : part[i].subarray(start, size)
    }
    return part
  }
}

// Node: ERR_INVALID_STATE.
function lostMemory () {
  const err = new TypeError(
    'Invalid state: the memory of a chunk was detached or made smaller before it was sent')
  err.code = 'ERR_INVALID_STATE'
  return err
}

const isLatin1 = (encoding) => encoding === 'latin1' || encoding === 'binary'

// The chunks of _writev() as native.writev() takes them: Buffers and latin1 strings.
function plainChunks (data) {
  const chunks = new Array(data.length)
  for (let i = 0; i < data.length; i++) {
    const { chunk, encoding } = data[i]
    chunks[i] = typeof chunk === 'string' && !(isLatin1(encoding) && chunk.length <= STRING_MAX)
      ? Buffer.from(chunk, encoding)
      : chunk
  }
  return chunks
}

function lengthOf (chunks) {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0)
}

module.exports = { PendingWrite, plainChunks, lengthOf, isLatin1, lostMemory, STRING_MAX }
