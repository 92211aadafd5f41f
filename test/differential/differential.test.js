// SPDX-License-Identifier: MIT
//
// A short run of the differential test; `npm run differential` is the long one.
'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { hawserOnly } = require('../support/agent')
const { runAll } = require('./run')

// Node's agent then has ordinary buffers, and its server gets more of a body.
const skip = hawserOnly || (process.env.HAWSER_TEST_PRESSURE === '1' && 'only one side is under pressure')

test('600 random scripts leave the same trace with Node\'s Agent', { skip }, async () => {
  const { found } = await runAll(1, 600)
  assert.deepEqual(found, [], 'seeds; npm run differential -- --one SEED shows one')
})
