// SPDX-License-Identifier: MIT
//
// The memory of a body's chunks is the user's: he may give it away or keep it.
'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const { test } = require('node:test')

const { Agent } = require('../support/agent')
const { request } = require('../support/request')
const { httpServer } = require('../support/servers')

const MIB = 1024 * 1024

// Calls onChunk with each chunk of a response.
function read (options, onChunk) {
  return new Promise((resolve, reject) => {
    http.get({ host: '127.0.0.1', ...options }, (res) => {
      res.on('data', onChunk).on('end', resolve).on('error', reject)
    }).on('error', reject)
  })
}

test('chunks may be transferred while the response and others come in', async (t) => {
  const body = Buffer.alloc(3 * MIB, 'x')
  const port = await httpServer(t, (req, res) => res.end(body))
  const agent = new Agent({ maxSockets: 2 })
  t.after(() => agent.destroy())
  let bytes = 0
  let transferred = 0
  const other = request({ port, agent })
  await read({ port, agent }, (chunk) => {
    bytes += chunk.length
    assert.equal(chunk[0], 120)
    if (chunk.length < 16384) return // may be of Buffer's pool, which nobody can transfer
    structuredClone(chunk, { transfer: [chunk.buffer] })
    assert.equal(chunk.length, 0)
    transferred++
  })
  assert.equal(bytes, body.length)
  assert.ok(transferred > 0)
  assert.ok((await other).body.equals(body))
  for (let i = 0; i < 3; i++) assert.ok((await request({ port, agent })).body.equals(body))
})

test('a chunk that is kept keeps no memory of other responses', async (t) => {
  const port = await httpServer(t, (req, res) => res.end(Buffer.alloc(8192, 'y')))
  const agent = new Agent({ maxSockets: 1 })
  t.after(() => agent.destroy())
  const buffers = new Set()
  let bytes = 0
  for (let i = 0; i < 50; i++) {
    await read({ port, agent }, (chunk) => {
      bytes += chunk.length
      buffers.add(chunk.buffer)
    })
  }
  assert.equal(bytes, 50 * 8192)
  const kept = [...buffers].reduce((sum, buffer) => sum + buffer.byteLength, 0)
  assert.ok(kept < 3 * bytes, `${kept} bytes are kept for ${bytes}`)
})
