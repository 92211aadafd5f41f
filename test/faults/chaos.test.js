// SPDX-License-Identifier: MIT
//
// The short form of `npm run chaos`. Another seed: HAWSER_CHAOS_SEED=7.
'use strict'

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const path = require('node:path')
const { test } = require('node:test')

const { hawserOnly } = require('../support/agent')

const SCRIPT = path.join(__dirname, 'chaos.js')
const SEED = process.env.HAWSER_CHAOS_SEED ?? '1'

test('20,000 requests against a server that does everything wrong', { skip: hawserOnly }, async (t) => {
  const { status, out } = await new Promise((resolve) => {
    execFile(process.execPath, [SCRIPT, '--requests', '20000', '--seed', SEED],
      (err, stdout, stderr) => resolve({ status: err?.code ?? 0, out: stdout + stderr }))
  })
  assert.equal(status, 0, out)
  const last = out.trim().split('\n').at(-1)
  assert.match(last, /^chaos: 20000 requests, \d+ a second, seed \d+, 0 violations$/)
  t.diagnostic(last)
})
