// SPDX-License-Identifier: MIT
//
// Not a client: an Agent that answers every request itself, without any I/O. What
// remains is Node's own objects (ClientRequest, IncomingMessage, their events) and
// the user's callbacks, which no Agent of http.request can avoid.
'use strict'

const http = require('node:http')

const { payload } = require('../origins/payload')

const BODY = payload('small')

const nothing = () => {}
const socket = {
  writable: true,
  write: () => true,
  cork: nothing,
  uncork: nothing,
  on: nothing,
  removeListener: nothing,
  emit: nothing
}

function take (req) {
  req.socket = socket
  req.emit('socket', socket)
  req._flush()
  req.emit('finish')
  setImmediate(answer, req)
}

function answer (req) {
  const res = new http.IncomingMessage(null)
  res.statusCode = 200
  req.res = res
  res.req = req
  req.emit('response', res)
  res.push(BODY)
  res.complete = true
  res.push(null)
}

class Floor extends http.Agent {
  addRequest (req) {
    process.nextTick(take, req)
  }
}

module.exports = require('./http-request')(Floor, {})
