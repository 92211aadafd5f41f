// SPDX-License-Identifier: MIT
//
// What every client must do through the Agent. The test of a client provides these
// functions:
//
//   get(agent, url)            -> { status, body }          body as text
//   bytes(agent, url)          -> Buffer
//   json(agent, url, value)    -> the answer, parsed        POST
//   upload(agent, url, body)   -> the answer, parsed        POST of a Buffer or a stream
//   timeout(agent, url)        -> as get(), with a short time limit of the client's
//   cancels                    { word: (agent, url) -> { promise, cancel } }
//   follows                    does get() follow redirects
//   gzip(agent, url)           -> the answer, unzipped and parsed; optional
//   hangs                      { path: why get() never settles, with any Agent }
//   keeps                      paths for which a time limit leaves the connection open
'use strict'

const assert = require('node:assert/strict')
const { createHash, randomBytes } = require('node:crypto')
const diagnostics = require('node:diagnostics_channel')
const { once } = require('node:events')
const { Readable } = require('node:stream')
const { test } = require('node:test')

const { Agent } = require('./agent')
const { withBoth, outcome } = require('./both-agents')
const { closedPort } = require('./closed-port')
const { startOrigin, HELD } = require('./origin')

const BYTES = 5 * 1024 * 1024

// Runs the loop until the condition holds; no event reports these.
async function until (condition) {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

// Resolves when a response's head has arrived and the client has seen it.
function responded () {
  return new Promise((resolve) => {
    const onResponse = () => {
      diagnostics.unsubscribe('http.client.response.finish', onResponse)
      setImmediate(setImmediate, resolve)
    }
    diagnostics.subscribe('http.client.response.finish', onResponse)
  })
}

function roundTrips (client) {
  test('JSON there and back, over one connection', async (t) => {
    const origin = await startOrigin(t)
    const value = { text: 'grüße \u{1f6a2}', list: [1, null, true], deep: { er: 'x'.repeat(10000) } }
    const answers = await withBoth(origin, {}, async (agent) => {
      const all = []
      for (let i = 0; i < 5; i++) all.push(await client.json(agent, `${origin.url}/json?${i}`, value))
      assert.equal(origin.served.size, 1)
      return all
    })
    assert.equal(answers.length, 5)
    answers.forEach((answer, i) => {
      assert.deepEqual(answer, { method: 'POST', url: `/json?${i}`, sent: value })
    })
  })

  test('statuses, and a response without a body', async (t) => {
    const origin = await startOrigin(t)
    const results = await withBoth(origin, {}, async (agent) => [
      await outcome(client.get(agent, `${origin.url}/status?code=201`)),
      await outcome(client.get(agent, `${origin.url}/none`)),
      await outcome(client.get(agent, `${origin.url}/status?code=404`)),
      await outcome(client.get(agent, `${origin.url}/status?code=503`)),
      await outcome(client.get(agent, `${origin.url}/close`)),
      await outcome(client.get(agent, `${origin.url}/status?code=200`))
    ])
    assert.equal(results[0].value.status, 201)
    assert.equal(results[1].value.status, 204)
    assert.equal(results[5].value.status, 200)
  })

  test('5 MB down', async (t) => {
    const origin = await startOrigin(t)
    const body = await withBoth(origin, {}, async (agent) =>
      createHash('sha256').update(await client.bytes(agent, `${origin.url}/large`)).digest('hex'))
    const expected = createHash('sha256')
    for (let i = 0; i < 80; i++) expected.update(Buffer.alloc(65536, i))
    assert.equal(body, expected.digest('hex'))
  })

  for (const [kind, make] of [
    ['a Buffer', (body) => body],
    ['a stream', (body) => Readable.from((function * () {
      for (let at = 0; at < body.length; at += 60000) yield body.subarray(at, at + 60000)
    })(), { objectMode: false })]
  ]) {
    test(`5 MB up from ${kind}`, async (t) => {
      const origin = await startOrigin(t)
      const body = randomBytes(BYTES)
      const sha256 = createHash('sha256').update(body).digest('hex')
      const answers = await withBoth(origin, {}, async (agent) => [
        await client.upload(agent, `${origin.url}/hash`, make(body)),
        await client.upload(agent, `${origin.url}/hash`, make(body))
      ])
      for (const answer of answers) assert.deepEqual(answer, { method: 'POST', bytes: BYTES, sha256 })
    })
  }
}

function redirects (client) {
  test('redirects are followed over the same connection', async (t) => {
    const origin = await startOrigin(t)
    const answer = await withBoth(origin, {}, async (agent) => {
      const results = [
        await client.get(agent, `${origin.url}/redirect?to=/json&hops=3`),
        await client.get(agent, `${origin.url}/redirect?to=/json&status=307`)
      ]
      return results
    })
    for (const { status, body } of answer) {
      assert.equal(status, 200)
      assert.equal(JSON.parse(body).url, '/json')
    }
  })

  test('too many redirects, and one to a port that refuses', async (t) => {
    const origin = await startOrigin(t)
    const port = await closedPort(t)
    const away = encodeURIComponent(`http://127.0.0.1:${port}/`)
    const results = await withBoth(origin, {}, async (agent) => [
      await outcome(client.get(agent, `${origin.url}/redirect?to=/json&hops=60`)),
      await outcome(client.get(agent, `${origin.url}/redirect?to=${away}`)),
      await outcome(client.get(agent, `${origin.url}/json`))
    ])
    assert.ok(results[0].error)
    assert.match(JSON.stringify(results[1].error), /ECONNREFUSED/)
    assert.equal(results[2].value.status, 200)
  })
}

function endings (client) {
  const { hangs = {}, keeps = [] } = client

  for (const path of ['never', 'stuck']) {
    test(`the client's time limit, at a server that is ${path === 'never' ? 'silent' : path}`, async (t) => {
      const origin = await startOrigin(t)
      const results = await withBoth(origin, { maxSockets: 1 }, async (agent) => {
        const gone = once(origin, path).then(([req]) => once(req.socket, 'close'))
        const result = await outcome(client.timeout(agent, `${origin.url}/${path}`))
        if (keeps.includes(path)) agent.destroy()
        await gone
        return [result, await client.get(agent, `${origin.url}/json`)]
      })
      assert.ok(results[0].error, 'it rejects')
      assert.equal(results[1].status, 200)
    })
  }

  for (const [word, start] of Object.entries(client.cancels)) {
    test(`${word} while the server thinks`, async (t) => {
      const origin = await startOrigin(t)
      const results = await withBoth(origin, { maxSockets: 1 }, async (agent) => {
        const asked = once(origin, 'never')
        const { promise, cancel } = start(agent, `${origin.url}/never`)
        const ended = outcome(promise)
        const [{ socket }] = await asked
        const gone = once(socket, 'close')
        cancel()
        const result = await ended
        await gone
        return [result, await client.get(agent, `${origin.url}/json`)]
      })
      assert.ok(results[0].error, 'it rejects')
      assert.equal(results[1].status, 200)
    })

    test(`${word} while the body comes`, async (t) => {
      const origin = await startOrigin(t)
      const results = await withBoth(origin, { maxSockets: 1 }, async (agent) => {
        const asked = once(origin, 'stuck')
        const begun = responded()
        const { promise, cancel } = start(agent, `${origin.url}/stuck`)
        const ended = outcome(promise)
        const [{ socket }] = await asked
        const gone = once(socket, 'close')
        await begun
        cancel()
        const result = await ended
        await gone
        return [result, await client.get(agent, `${origin.url}/json`)]
      })
      assert.ok(results[0].error, 'it rejects')
      assert.equal(results[1].status, 200)
    })

    test(`${word} while the request waits for a connection`, async (t) => {
      const origin = await startOrigin(t)
      const results = await withBoth(origin, { maxSockets: 1 }, async (agent) => {
        const asked = once(origin, 'never')
        const first = start(agent, `${origin.url}/never`)
        const [{ socket }] = await asked
        const second = start(agent, `${origin.url}/hash`)
        await until(() => Object.keys(agent.requests).length === 1)
        const gone = once(socket, 'close')
        const ended = [outcome(second.promise), outcome(first.promise)]
        second.cancel() // some clients notice it only when there is a connection
        setImmediate(first.cancel)
        const results = await Promise.all(ended)
        await gone
        results.push(await client.get(agent, `${origin.url}/json`))
        // Whether the connection made for the dead request is kept for this
        // one depends on Node's version and on chance.
        for (const asked of origin.log) delete asked.connection
        return results
      })
      assert.ok(results[0].error, 'it rejects')
      assert.ok(results[1].error, 'it rejects')
      assert.equal(results[2].status, 200)
    })
  }

  for (const path of ['hangup', 'reset', 'garbage', 'cutchunked', 'cutlength']) {
    test(`the server ends it: ${path}`, { skip: hangs[path] }, async (t) => {
      const origin = await startOrigin(t)
      const results = await withBoth(origin, {}, async (agent) => [
        await client.get(agent, `${origin.url}/json`),
        await outcome(client.get(agent, `${origin.url}/${path}`)),
        await client.get(agent, `${origin.url}/json`)
      ])
      assert.equal(results[0].status, 200)
      assert.equal(results[2].status, 200)
    })
  }

  test('a port that refuses', async (t) => {
    const origin = await startOrigin(t)
    const port = await closedPort(t)
    for (const host of ['127.0.0.1', 'localhost']) {
      const result = await withBoth(origin, {}, (agent) =>
        outcome(client.get(agent, `http://${host}:${port}/`)))
      assert.match(JSON.stringify(result.error), /ECONNREFUSED/)
    }
  })

  test('a name that does not exist', async (t) => {
    const origin = await startOrigin(t)
    const result = await withBoth(origin, {}, (agent) =>
      outcome(client.get(agent, 'http://nobody.invalid/')))
    assert.match(JSON.stringify(result.error), /ENOTFOUND|EAI_AGAIN/)
  })

  test('the server closed the idle connection: the next request has a new one', async (t) => {
    const origin = await startOrigin(t)
    await withBoth(origin, {}, async (agent) => {
      await client.get(agent, `${origin.url}/json`)
      await until(() => Object.keys(agent.freeSockets).length === 1)
      for (const socket of origin.open) socket.end()
      await until(() => agent.totalSocketCount === 0)
      await client.get(agent, `${origin.url}/json`)
      assert.deepEqual([...origin.served.values()], [1, 1])
    })
  })
}

function manyAtOnce (client) {
  test('200 requests at once share 10 connections', async (t) => {
    const origin = await startOrigin(t)
    const agent = new Agent({ keepAlive: true, maxSockets: HELD })
    t.after(() => agent.destroy())
    const answers = await Promise.all(Array.from({ length: 200 },
      () => client.get(agent, `${origin.url}/held`)))
    assert.ok(answers.every(({ status, body }) => status === 200 && body === '{"held":true}'))
    assert.equal(origin.mostOpen, HELD)
    assert.deepEqual([...origin.served.values()], Array(HELD).fill(200 / HELD))
  })
}

/** Defines the tests of a client. */
function testClient (client) {
  roundTrips(client)
  manyAtOnce(client)
  endings(client)
  if (client.follows) redirects(client)
  if (client.gzip) {
    test('gzip', async (t) => {
      const origin = await startOrigin(t)
      const answer = await withBoth(origin, {}, (agent) => client.gzip(agent, `${origin.url}/gzip`))
      assert.deepEqual(answer, { accepted: true, padding: 'x'.repeat(100000) })
    })
  }
}

module.exports = { testClient }
