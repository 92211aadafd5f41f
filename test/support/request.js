// SPDX-License-Identifier: MIT
//
// One request as a promise of { req, res, body }.
'use strict'

const http = require('node:http')

function request (options, body) {
  return new Promise((resolve, reject) => {
    const req = http.request({ host: '127.0.0.1', ...options })
    req.on('error', reject)
    req.on('response', (res) => {
      const chunks = []
      res.on('data', (chunk) => chunks.push(chunk))
      res.on('error', reject)
      res.on('end', () => resolve({ req, res, body: Buffer.concat(chunks) }))
    })
    req.end(body)
  })
}

// The connection of an ended request is free on the next tick after 'close'.
function freed (agent) {
  return new Promise((resolve) => agent.once('free', () => process.nextTick(resolve)))
}

module.exports = { request, freed }
