// SPDX-License-Identifier: MIT
//
// Writes down what a request and its response emit, in order. The response is
// read to its end unless `read` is false.
'use strict'

const REQUEST = ['socket', 'finish', 'abort', 'timeout', 'continue', 'drain', 'response', 'close']
const RESPONSE = ['end', 'aborted', 'timeout', 'close']

function record (req, { read = true } = {}) {
  const events = []
  for (const name of REQUEST) req.on(name, () => events.push(name))
  req.on('error', (err) => events.push(`error ${err.code ?? err.name}: ${err.message}`))
  req.on('response', (res) => {
    for (const name of RESPONSE) res.on(name, () => events.push(`res ${name}`))
    res.on('error', (err) => events.push(`res error ${err.code ?? err.name}: ${err.message}`))
    if (read) res.on('data', (chunk) => events.push(`data ${chunk}`))
  })
  return events
}

// Resolves when the request is closed and some turns of the loop have passed,
// so that an event too many would have been seen.
function settled (req) {
  return new Promise((resolve) => {
    const later = () => setImmediate(() => setImmediate(() => setImmediate(resolve)))
    if (req.closed || req._closed) later()
    else req.once('close', later)
  })
}

module.exports = { record, settled }
