// SPDX-License-Identifier: MIT
//
// follow-redirects, used as http.request() is. Its time limit listens for
// 'timeout' on the socket.
'use strict'

const { http } = require('follow-redirects')
const { pipeline } = require('node:stream')
const zlib = require('node:zlib')

const { testClient } = require('../support/client-cases')

// { promise of { status, body }, cancel }
function start (agent, url, { method = 'GET', body, headers, signal, timeout } = {}) {
  let req
  const promise = new Promise((resolve, reject) => {
    req = http.request(url, { agent, method, headers, signal, maxBodyLength: Infinity }, (res) => {
      const chunks = []
      res.on('data', (chunk) => chunks.push(chunk))
      res.on('error', reject)
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(chunks) }))
    })
    req.on('error', reject)
    req.on('abort', () => reject(new Error('aborted')))
    if (timeout) req.setTimeout(timeout, () => req.destroy(new Error('too slow')))
    if (body?.pipe) pipeline(body, req, (err) => { if (err) reject(err) })
    else req.end(body)
  })
  return { promise, req }
}

async function get (agent, url, options) {
  const { status, body } = await start(agent, url, options).promise
  return { status, body: String(body) }
}

testClient({
  get,
  bytes: async (agent, url) => (await start(agent, url).promise).body,
  json: async (agent, url, value) =>
    JSON.parse((await start(agent, url, { method: 'POST', body: JSON.stringify(value) }).promise).body),
  upload: async (agent, url, body) =>
    JSON.parse((await start(agent, url, { method: 'POST', body }).promise).body),
  timeout: (agent, url) => get(agent, url, { timeout: 40 }),
  cancels: {
    'request.abort()' (agent, url) {
      const { promise, req } = start(agent, url)
      return { promise, cancel: () => req.abort() }
    },
    'request.destroy()' (agent, url) {
      const { promise, req } = start(agent, url)
      return { promise, cancel: () => req.destroy(new Error('no longer needed')) }
    },
    'AbortController.abort()' (agent, url) {
      const controller = new AbortController()
      const { promise } = start(agent, url, { signal: controller.signal })
      return { promise, cancel: () => controller.abort() }
    }
  },
  follows: true,
  async gzip (agent, url) {
    const { body, headers } =
      await start(agent, url, { headers: { 'Accept-Encoding': 'gzip' } }).promise
    return JSON.parse(headers['content-encoding'] === 'gzip' ? zlib.gunzipSync(body) : body)
  }
})
