// SPDX-License-Identifier: MIT
//
// https servers with the test CA's certificate, and the agents that trust it.
'use strict'

const fs = require('node:fs')
const https = require('node:https')
const path = require('node:path')

const { isHawser } = require('./agent')
const { start } = require('./servers')

const pem = (name) => fs.readFileSync(path.join(__dirname, 'certs', `${name}.pem`))

const ca = pem('ca-cert')
const server = { key: pem('server-key'), cert: pem('server-cert') }
const client = { key: pem('client-key'), cert: pem('client-cert') }

class BuiltinHttpsAgent extends https.Agent {
  constructor (options) {
    super({ keepAlive: true, ...options })
  }
}

const HttpsAgent = isHawser ? require('../..').HttpsAgent : BuiltinHttpsAgent

async function httpsServer (t, options, handler) {
  return start(t, https.createServer({ ...server, ...options }, handler))
}

// One request as a promise of { req, res, body }.
function request (options, body) {
  return new Promise((resolve, reject) => {
    const req = https.request({ host: '127.0.0.1', servername: 'localhost', ...options })
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

module.exports = { HttpsAgent, httpsServer, request, ca, client, pem }
