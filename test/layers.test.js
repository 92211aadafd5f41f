// SPDX-License-Identifier: MIT
//
// The picture of the layers in docs/architecture.md is correct, and the script that
// checks it finds violations.
'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')

const { violations, check } = require('../scripts/layers')

test('no file includes or requires one above it', () => {
  assert.deepEqual(check(), [])
})

const PICTURE = `index.js
agent.js  ring.js
------------- <napi.h>
loop  conn
------------- no <uv.h>
pool
base.h
`
const TREE = {
  'lib/index.js': "const { Agent } = require('./agent')\n",
  'lib/agent.js': "const ring = require('./ring')\n",
  'lib/ring.js': '',
  'src/loop.c': '#include "loop.h"\n#include "conn.h"\n',
  'src/loop.h': '#include "base.h"\n',
  'src/conn.h': '#include <uv.h>\n#include "pool.h"\n',
  'src/pool.c': '#include "pool.h"\n#include <string.h>\n',
  'src/pool.h': '#include "base.h"\n',
  'src/base.h': ''
}

const cases = [
  ['nothing', {}, []],
  ['an include of a file above', { 'src/pool.h': '#include "conn.h"\n' },
    ['src/pool.h uses src/conn.h, which is above it']],
  ['a require of a file above, within a function', { 'lib/ring.js': "() => require('./index')\n" },
    ['lib/ring.js uses lib/index.js, which is above it']],
  ['an import of a file above', { 'lib/ring.js': "import { Agent } from './index.js'\n" },
    ['lib/ring.js uses lib/index.js, which is above it']],
  ['a circle within a line', { 'lib/ring.js': "require('./agent')\n" },
    ['lib/agent.js is part of a circle in its line', 'lib/ring.js is part of a circle in its line']],
  ['libuv below its line', { 'src/pool.c': '#include "pool.h"\n#include <uv.h>\n' },
    ['src/pool.c includes <uv.h>']],
  ['N-API below its line', { 'src/base.h': '#include <napi.h>\n' }, ['src/base.h includes <napi.h>']],
  ['a file that the picture lacks', { 'src/dial.c': '' }, ['src/dial.c is not in the picture']],
  ['a file that is not there', { 'src/base.h': undefined },
    ['base.h is in the picture and is no file', 'src/loop.h uses src/base.h, which is no file',
      'src/pool.h uses src/base.h, which is no file']]
]

for (const [what, change, wrong] of cases) {
  test(`the layers show ${what}`, () => {
    const tree = Object.entries({ ...TREE, ...change }).filter(([, text]) => text !== undefined)
    assert.deepEqual(violations(PICTURE, new Map(tree)), wrong)
  })
}

test('the layers show a file that is twice in the picture', () => {
  assert.deepEqual(violations(`base.h\n${PICTURE}`, new Map(Object.entries(TREE))),
    ['src/base.h is twice in the picture'])
})
