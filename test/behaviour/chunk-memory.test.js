// SPDX-License-Identifier: MIT
//
// The memory of a body's chunks is the user's, who may transfer it or keep it.
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
    structuredClone(chunk, { transfer: [chunk.buffer] })
    assert.equal(chunk.length, 0)
    transferred++
  })
  assert.equal(bytes, body.length)
  assert.ok(transferred > 0)
  assert.ok((await other).body.equals(body))
  for (let i = 0; i < 3; i++) assert.ok((await request({ port, agent })).body.equals(body))
})

test('small chunks may be transferred, as a stream of bytes does it', async (t) => {
  const port = await httpServer(t, (req, res) => res.end('small'))
  const agent = new Agent()
  t.after(() => agent.destroy())
  for (let i = 0; i < 3; i++) {
    const chunks = []
    await read({ port, agent }, (chunk) => {
      chunks.push(structuredClone(chunk, { transfer: [chunk.buffer] }))
    })
    assert.equal(Buffer.concat(chunks).toString(), 'small')
  }
})

// Reads all responses to `count` requests of bodies of `size` bytes, one after
// the other, and keeps their chunks.
async function keep (t, size, count) {
  const port = await httpServer(t, (req, res) => res.end(Buffer.alloc(size, 'y')))
  const agent = new Agent({ maxSockets: 1 })
  t.after(() => agent.destroy())
  const chunks = []
  for (let i = 0; i < count; i++) await read({ port, agent }, (chunk) => chunks.push(chunk))
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  assert.equal(bytes, count * size)
  const buffers = new Set(chunks.map((chunk) => chunk.buffer))
  const kept = [...buffers].reduce((sum, buffer) => sum + buffer.byteLength, 0)
  return { chunks, buffers, bytes, kept }
}

test('small chunks that are kept keep no memory of other responses', async (t) => {
  const { bytes, kept } = await keep(t, 8192, 50)
  assert.ok(kept < 1.5 * bytes, `${kept} bytes are kept for ${bytes}`)
})

test('large chunks that are kept have their own memory, and not much more', async (t) => {
  for (const size of [40000, 65536, MIB, 65536]) {
    const { chunks, buffers, bytes, kept } = await keep(t, size, 8)
    const large = chunks.filter((chunk) => chunk.length > 32768)
    assert.equal(new Set(large.map((chunk) => chunk.buffer)).size, large.length)
    assert.ok(buffers.size >= large.length)
    assert.ok(kept < 3 * bytes, `${kept} bytes are kept for ${bytes}`)
  }
})

test('nothing is written into kept chunks of any size', async (t) => {
  const sizes = [100, 5000, 20000, 32768, 33000, 50000, 65536, 80000, 140000, 300000]
  const contentOf = (n) => Buffer.alloc(sizes[n % sizes.length], `${n},`)
  const port = await httpServer(t, (req, res) => {
    const n = Number(req.url.slice(1))
    const content = contentOf(n)
    if (n % 3 === 0) { // chunked, in pieces
      for (let at = 0; at < content.length; at += 30011) res.write(content.subarray(at, at + 30011))
      res.end()
    } else {
      res.setHeader('content-length', content.length)
      res.end(content)
    }
  })
  const agent = new Agent({ maxSockets: 8 })
  t.after(() => agent.destroy())
  const kept = await Promise.all(Array.from({ length: 200 }, async (_, n) => {
    const chunks = []
    await read({ port, agent, path: `/${n}` }, (chunk) => chunks.push(chunk))
    return chunks
  }))
  for (const [n, chunks] of kept.entries()) {
    assert.ok(Buffer.concat(chunks).equals(contentOf(n)), `response ${n}`)
  }
})

test('unread bodies leave memory for others', async (t) => {
  const body = Buffer.alloc(65536, 'z')
  const port = await httpServer(t, (req, res) => res.end(body))
  const agent = new Agent({ maxSockets: 4 })
  t.after(() => agent.destroy())
  await Promise.all(Array.from({ length: 200 }, () => new Promise((resolve, reject) => {
    http.get({ host: '127.0.0.1', port, agent }, (res) => {
      res.resume().on('close', resolve)
      res._dump()
    }).on('error', reject)
  })))
  assert.ok((await request({ port, agent })).body.equals(body))
})
