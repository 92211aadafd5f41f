// SPDX-License-Identifier: MIT
//
// Node decides whether a process parses leniently, whichever way the option is given:
// the same responses are accepted and refused as with the built-in Agent.
'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { Agent, hawserOnly } = require('../support/agent')
const { runScript, SCOPE } = require('../support/child')
const { rawServer } = require('../support/servers')

const ON = '--insecure-http-parser'
const OFF = '--no-insecure-http-parser'

// [arguments, NODE_OPTIONS, execArgv of a worker in which it is done]
const SPELLINGS = [
  [[], ''],
  [[ON], ''],
  [['--insecure_http_parser'], ''],
  [[`${ON}=true`], ''],
  [[`${ON}=false`], ''],
  [[OFF], ''],
  [['--no_insecure_http_parser'], ''],
  [[ON, OFF], ''],
  [[OFF, ON], ''],
  [[], ON],
  [[], '--insecure_http_parser'],
  [[], `${ON}=true`],
  [[], `"${ON}"`],
  [[], `--no-deprecation  ${ON}`],
  [[], OFF],
  [[OFF], ON],
  [[ON], OFF],
  [[`--title=${ON}`], ''],
  [[], `--title=${ON}`],
  [[], '', [ON]],
  [[ON], '', [OFF]],
  [[ON], '', []]
]

// For each insecureHTTPParser of a request: 200, or the code of its error.
const script = (port) => `
  const get = (options) => new Promise((resolve) => {
    http.get({ host: '127.0.0.1', port: ${port}, ...options }, (res) => {
      res.resume().on('end', () => resolve(res.statusCode))
    }).on('error', (err) => resolve(err.code))
  })
  async function all (agent) {
    const results = []
    for (const own of [{}, { insecureHTTPParser: true }, { insecureHTTPParser: false }]) {
      results.push(await get({ ...own, agent }))
    }
    agent.destroy()
    return results
  }
  const agent = new Agent()
  Promise.all([all(new http.Agent()), all(agent)])
    .then((both) => console.log(JSON.stringify([...both, agent.lane])))`

for (const [args, options, execArgv] of SPELLINGS) {
  const title = [...args, options && `NODE_OPTIONS='${options}'`, execArgv && `worker ${execArgv}`]
    .filter(Boolean).join(' ') || 'nothing'
  test(`lenient where Node is: ${title}`, async (t) => {
    const port = await rawServer(t, (socket) => {
      socket.end('HTTP/1.1 200 OK\r\nA: \x01\r\nContent-Length: 0\r\n\r\n')
    })
    const code = execArgv === undefined
      ? script(port)
      : `new (require('node:worker_threads').Worker)(${JSON.stringify(SCOPE + script(port))},
          { eval: true, execArgv: ${JSON.stringify(execArgv)} })`
    const { status, out, err } = await runScript(code, ['--no-warnings', ...args], { NODE_OPTIONS: options })
    if (status === 9) return t.skip(err.split('\n')[0]) // this Node does not accept it
    assert.equal(status, 0, err)
    const [expected, actual, lane] = JSON.parse(out)
    assert.deepEqual(actual, expected)
    assert.deepEqual(expected.slice(1), [200, 'HPE_INVALID_HEADER_TOKEN'])
    if (lane !== undefined) assert.equal(lane, 'fast')
  })
}

test('finding it out makes no request and leaks nothing', { skip: hawserOnly }, async (t) => {
  const { status, out, err } = await runScript(`
    const channel = require('node:diagnostics_channel')
    for (const name of ['http.server.request.start', 'http.client.request.start']) {
      channel.subscribe(name, () => console.log(name))
    }
    console.log(new Agent().lane, process._getActiveHandles().length)`, ['--insecure-http-parser'])
  assert.deepEqual({ status, out: out.split(' ')[0] }, { status: 0, out: 'fast' })
  assert.match(err, /^\(node:\d+\) Warning: Using insecure HTTP parsing\n.*$/, 'it is Node that warns')
  assert.equal(new Agent().lane, 'fast')
})
