// SPDX-License-Identifier: MIT
/* global test, expect */
'use strict'

const { exercise } = require('../request')

test('the package in a file of its own', async () => {
  const { Agent } = require('../../../..')
  expect(new Agent().lane).toBe('fast')
  await exercise(Agent, Number(process.env.ORIGIN_PORT), 'jest')
})
