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
const REQUESTS = process.env.HAWSER_TEST_PRESSURE === '1' ? 4000 : 20000

test(`${REQUESTS} requests against a server that does everything wrong`, { skip: hawserOnly }, async (t) => {
  const { status, out } = await new Promise((resolve) => {
    execFile(process.execPath, [SCRIPT, '--requests', String(REQUESTS), '--seed', SEED],
      (err, stdout, stderr) => resolve({ status: err?.code ?? 0, out: stdout + stderr }))
  })
  assert.equal(status, 0, out)
  const last = out.trim().split('\n').at(-1)
  const expected = new RegExp(`^chaos: ${REQUESTS} requests, \\d+ a second, seed \\d+, 0 violations$`)
  assert.match(last, expected)
  t.diagnostic(last)
})
