// SPDX-License-Identifier: MIT
//
// superagent with .agent(agent).
'use strict'

const superagent = require('superagent')

const { testClient } = require('../support/client-cases')

// As text for any type, and without an error for any status.
function asText (res, done) {
  res.setEncoding('utf8')
  let text = ''
  res.on('data', (chunk) => { text += chunk })
  res.on('end', () => done(null, text))
}

function start (agent, url) {
  return superagent.get(url).agent(agent).buffer(true).parse(asText)
}

async function get (agent, url, { deadlines = {} } = {}) {
  const { status, body } = await start(agent, url).timeout(deadlines)
  return { status, body }
}

testClient({
  get,
  bytes: async (agent, url) =>
    (await superagent.get(url).agent(agent).buffer(true).parse(superagent.parse.image)).body,
  json: async (agent, url, value) => (await superagent.post(url).agent(agent).send(value)).body,
  async upload (agent, url, body) {
    const request = superagent.post(url).agent(agent)
    if (Buffer.isBuffer(body)) {
      return (await request.set('Content-Type', 'application/octet-stream').send(body)).body
    }
    return new Promise((resolve, reject) => {
      request.on('response', (res) => resolve(res.body)).on('error', reject)
      body.pipe(request)
    })
  },
  timeout: (agent, url) => get(agent, url, { deadlines: { deadline: 40 } }),
  cancels: {
    'request.abort()' (agent, url) {
      const request = start(agent, url)
      return { promise: request.then(({ body }) => body), cancel: () => request.abort() }
    }
  },
  follows: true,
  gzip: async (agent, url) => (await superagent.get(url).agent(agent)).body
})
