// SPDX-License-Identifier: MIT
//
// axios with { httpAgent }. It goes through follow-redirects and sets
// keep-alive and a listener for errors on each socket.
'use strict'

const axios = require('axios')

const { testClient } = require('../support/client-cases')

const text = { responseType: 'text', transformResponse: (body) => body }

async function get (httpAgent, url, options) {
  const { status, data } = await axios.get(url, { httpAgent, ...text, ...options })
  return { status, body: data }
}

testClient({
  get,
  bytes: async (httpAgent, url) =>
    (await axios.get(url, { httpAgent, responseType: 'arraybuffer' })).data,
  json: async (httpAgent, url, value) => (await axios.post(url, value, { httpAgent })).data,
  upload: async (httpAgent, url, body) =>
    (await axios.post(url, body, { httpAgent, maxRedirects: 0 })).data,
  timeout: (httpAgent, url) => get(httpAgent, url, { timeout: 40 }),
  cancels: {
    'AbortController.abort()' (httpAgent, url) {
      const controller = new AbortController()
      const promise = get(httpAgent, url, { signal: controller.signal })
      return { promise, cancel: () => controller.abort() }
    },
    'CancelToken.cancel()' (httpAgent, url) {
      const source = axios.CancelToken.source()
      const promise = get(httpAgent, url, { cancelToken: source.token })
      return { promise, cancel: () => source.cancel('no longer needed') }
    }
  },
  follows: true,
  gzip: async (httpAgent, url) => (await axios.get(url, { httpAgent })).data
})
