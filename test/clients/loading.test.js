// SPDX-License-Identifier: MIT
//
// The ways to use the Agent: from an ES module, in worker threads, and as
// http.globalAgent, for clients that name no agent.
'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const http = require('node:http')
const path = require('node:path')
const { test } = require('node:test')
const { Worker } = require('node:worker_threads')

const axios = require('axios')
const fetch = require('node-fetch')
const request = require('request')

const { Agent } = require('../support/agent')
const { runScript } = require('../support/child')
const { startOrigin } = require('../support/origin')

const support = (file) => path.join(__dirname, '..', 'support', file)

async function runModule (file, args) {
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (chunk) => { out += chunk })
  const [status, signal] = await once(child, 'close')
  assert.deepEqual([status, signal], [0, null])
  return out
}

test('an ES module imports it, and ends by itself with the connection idle', async (t) => {
  const origin = await startOrigin(t)
  const said = JSON.parse(await runModule(support('esm-client.mjs'), [origin.port, 3]))
  assert.deepEqual(said, { urls: ['/json?0', '/json?1', '/json?2'], named: true, same: true })
  assert.deepEqual([...origin.served.values()], [3])
})

for (const options of [{}, { global: true }, { leave: true }]) {
  const [how = 'by themselves'] = Object.keys(options)
  test(`four worker threads, each with its own agent: ${how}`, async (t) => {
    const origin = await startOrigin(t)
    const workers = Array.from({ length: 4 }, () => new Worker(support('worker-client.js'),
      { workerData: { port: origin.port, n: 100, sockets: 5, ...options } }))
    const ends = workers.map(async (worker) => {
      const exit = once(worker, 'exit')
      const [said] = await once(worker, 'message')
      return { ...said, code: (await exit)[0] }
    })
    for (const end of await Promise.all(ends)) {
      assert.deepEqual(end, { right: 100, sockets: 5, code: 0 })
    }
    assert.equal(origin.log.length, 400)
    assert.equal(origin.served.size, 20)
    await origin.quiet()
  })
}

test('a worker that is terminated with requests in flight leaves no connection', async (t) => {
  const origin = await startOrigin(t)
  const script = `
    const http = require('node:http')
    const { port, file } = require('node:worker_threads').workerData
    const { Agent } = require(file)
    const agent = new Agent()
    for (let i = 0; i < 10; i++) http.get({ host: '127.0.0.1', port, path: '/never', agent })`
  const worker = new Worker(script,
    { eval: true, workerData: { port: origin.port, file: support('agent.js') } })
  await new Promise((resolve) => {
    origin.on('never', () => { if (origin.log.length === 10) resolve() })
  })
  assert.equal(origin.open.size, 10)
  const gone = origin.quiet()
  await worker.terminate()
  await gone
})

test('http.globalAgent = new Agent(): clients that name no agent use it', async (t) => {
  const origin = await startOrigin(t)
  const own = http.globalAgent
  const agent = new Agent({ maxSockets: 1 })
  t.after(() => {
    http.globalAgent = own
    agent.destroy()
  })
  http.globalAgent = agent
  assert.equal(http.globalAgent, agent)
  const { default: got } = await import('got')
  const bySelf = await new Promise((resolve, reject) => {
    http.get(`${origin.url}/json?http`, async (res) => {
      let text = ''
      for await (const chunk of res) text += chunk
      resolve(JSON.parse(text))
    }).on('error', reject)
  })
  const headers = { connection: 'keep-alive' } // node-fetch sends 'close' without an agent
  const answers = [
    bySelf,
    (await axios.get(`${origin.url}/json?axios`)).data,
    await (await fetch(`${origin.url}/json?node-fetch`, { headers })).json(),
    await got(`${origin.url}/json?got`).json()
  ]
  assert.deepEqual(answers.map(({ url }) => url),
    ['http', 'axios', 'node-fetch', 'got'].map((name) => `/json?${name}`))
  assert.deepEqual([...origin.served.values()], [4])
})

test('http.globalAgent, and request, which only checks its class', async (t) => {
  const origin = await startOrigin(t)
  const own = http.globalAgent
  const agent = new Agent()
  http.globalAgent = agent
  t.after(() => {
    http.globalAgent = own
    agent.destroy()
  })
  const [res] = await new Promise((resolve, reject) => {
    request({ url: `${origin.url}/json`, json: true }, (err, ...rest) => err ? reject(err) : resolve(rest))
  })
  assert.equal(res.body.url, '/json')
})

test('a process with it as its globalAgent ends as soon as nothing is in flight', async (t) => {
  const origin = await startOrigin(t)
  const { status, out, err } = await runScript(`
    http.globalAgent = new Agent()
    http.get('${origin.url}/json', (res) => res.resume().on('end', () => console.log('end')))`)
  assert.deepEqual({ status, out, err }, { status: 0, out: 'end', err: '' })
})
