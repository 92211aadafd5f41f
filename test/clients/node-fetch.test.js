// SPDX-License-Identifier: MIT
//
// node-fetch 2 with { agent }. It asks the socket for its 'data' listeners to
// see whether a chunked response was cut off.
'use strict'

const fetch = require('node-fetch')

const { testClient } = require('../support/client-cases')

async function get (agent, url, options) {
  const res = await fetch(url, { agent, ...options })
  return { status: res.status, body: await res.text() }
}

async function post (agent, url, body, headers) {
  return (await fetch(url, { agent, method: 'POST', body, headers })).json()
}

testClient({
  get,
  bytes: async (agent, url) => (await fetch(url, { agent })).buffer(),
  json: (agent, url, value) =>
    post(agent, url, JSON.stringify(value), { 'Content-Type': 'application/json' }),
  upload: post,
  timeout: (agent, url) => get(agent, url, { timeout: 40 }),
  cancels: {
    'AbortController.abort()' (agent, url) {
      const controller = new AbortController()
      const promise = get(agent, url, { signal: controller.signal })
      return { promise, cancel: () => controller.abort() }
    }
  },
  follows: true,
  gzip: async (agent, url) => (await fetch(url, { agent })).json(),
  hangs: { cutlength: 'node-fetch 2 does not look at Content-Length and never settles' },
  keeps: ['stuck']
})
