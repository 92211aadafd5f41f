// SPDX-License-Identifier: MIT
//
// PerformanceObserver entries of type 'http'. Node begins one for a request in
// ClientRequest._finish() if there is an observer, and ends it where its own parser reports
// the head, which the fast lane bypasses. The function that ends an entry is not public, but
// a ServerResponse ends its own in _finish(); so a ServerResponse is given the request's
// entry to end. The two symbols under which Node keeps them are found once, at load; without
// them there are no such entries.
'use strict'

const http = require('node:http')
const { PerformanceObserver } = require('node:perf_hooks')

const { lack } = require('./host')
const { symbolOf } = require('./symbols')

const MESSAGE = { method: 'GET', url: '', headers: {}, httpVersionMajor: 1, httpVersionMinor: 1 }

// The symbol under which ClientRequest._finish() keeps the entry. Stopped there, because it
// would otherwise publish the request.
function clientSymbol () {
  const found = new Error('found')
  const request = new Proxy({}, {
    get: () => () => ({}),
    set (_, key) {
      if (typeof key !== 'symbol') return true
      found.symbol = key
      throw found
    }
  })
  try {
    http.ClientRequest.prototype._finish.call(request)
  } catch (err) {
    if (err !== found) throw err
  }
  return found.symbol
}

function serverSymbol () {
  return symbolOf(new http.ServerResponse(MESSAGE), 'ServerResponseStatistics')
}

function whileObserved (find) {
  const observer = new PerformanceObserver(() => {})
  observer.observe({ type: 'http' })
  try {
    return find()
  } finally {
    observer.disconnect()
  }
}

const WHAT = "PerformanceObserver entries of type 'http'"

function findSymbols () {
  try {
    const found = whileObserved(() => [clientSymbol(), serverSymbol()])
    if (found.every((symbol) => symbol !== undefined)) return found
    lack(WHAT, 'Node keeps them elsewhere')
  } catch (err) {
    lack(WHAT, err.message)
  }
  return null
}

const symbols = findSymbols()

// The head of req's response has arrived.
function endEntry (req, res) {
  if (symbols === null) return
  const [kClient, kServer] = symbols
  if (req[kClient] === undefined) return
  const ending = new http.ServerResponse(MESSAGE)
  ending[kServer] = req[kClient]
  ending.statusCode = res.statusCode
  ending.statusMessage = res.statusMessage
  ending.getHeaders = () => res.headers
  ending.socket = {}
  ending._finish()
}

module.exports = { endEntry }
