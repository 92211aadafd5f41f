// SPDX-License-Identifier: MIT
//
// Worker threads that end at any moment: each has its own core, which must end with
// it and leave nothing in the process. 40 here;
// `npm run test:workers` starts 500 (HAWSER_TEST_WORKERS).
'use strict'

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const path = require('node:path')
const { test } = require('node:test')

const WORKERS = process.env.HAWSER_TEST_WORKERS ?? '40'
const SCRIPT = path.join(__dirname, 'workers', 'run.js')

for (const how of ['load', 'request', 'connect', 'callback', 'exit', 'throw', 'quiet']) {
  test(`${WORKERS} workers end: ${how}`, async (t) => {
    const { status, out } = await new Promise((resolve) => {
      execFile(process.execPath, [SCRIPT, how, WORKERS], (err, stdout, stderr) => {
        resolve({ status: err?.signal ?? err?.code ?? 0, out: stdout + stderr })
      })
    })
    assert.equal(status, 0, out)
    t.diagnostic(out.trim())
  })
}
