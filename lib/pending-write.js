// SPDX-License-Identifier: MIT
//
// A write that the core has not taken whole. The core queues a bounded copy of
// what the kernel does not take and keeps no pointer into JavaScript's memory; the
// rest waits here, and each piece is looked at anew when there is room for it: the
// user may have transferred or resized the memory meanwhile.
'use strict'

const { size: { CHUNKS } } = require('./binding')

// What one native.writev() is given: strings are copied for it, and more than the
// kernel has room for is copied in vain.
const BYTES_ENOUGH = 256 * 1024

// Longer strings are made Buffers: the core copies whole what comes as a string.
const STRING_MAX = 16 * 1024

class PendingWrite {
  // chunks: Buffers and latin1 strings; callback: of _write().
  constructor (chunks, callback) {
    this.callback = callback
    this.chunks = chunks
    this.sizes = chunks.map((chunk) => chunk.length)
    this.bytes = this.sizes.reduce((sum, size) => sum + size, 0)
    this.left = this.bytes
    this.index = 0 // of the chunk that is next
    this.offset = 0 // in it
  }

  // The core has `taken` bytes more of it.
  advance (taken) {
    this.left -= taken
    this.offset += taken
    while (this.index < this.sizes.length && this.offset >= this.sizes[this.index]) {
      this.offset -= this.sizes[this.index]
      this.chunks[this.index] = null
      this.index++
    }
  }

  // What is next of it, or null where memory of it has gone.
  next () {
    let end = this.index
    let bytes = -this.offset
    while (end < this.sizes.length && end - this.index < CHUNKS && bytes < BYTES_ENOUGH) {
      bytes += this.sizes[end]
      end++
    }
    return this.#part(end)
  }

  // All that is left of it, or null.
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

// What _writev() got, as native.writev() takes it: Buffers and latin1 strings.
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
