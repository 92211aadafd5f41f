// SPDX-License-Identifier: MIT
//
// Errors that look like Node's own.
'use strict'

const os = require('node:os')
const { getSystemErrorName, inspect } = require('node:util')
const native = require('./binding')

// Node: ConnResetException.
function connReset (message) {
  const err = new Error(message)
  err.code = 'ECONNRESET'
  return err
}

// Node: parser errors of lib/_http_common.js (prepareError) and
// src/node_http_parser.cc. text: "code\nreason".
function parseError (text, bytesParsed, rawPacket) {
  const split = text.indexOf('\n')
  const reason = text.slice(split + 1)
  const err = new Error(`Parse Error: ${reason}`)
  err.bytesParsed = bytesParsed
  err.code = text.slice(0, split)
  err.reason = reason
  err.rawPacket = rawPacket
  return err
}

// Results of the core that callers look for.
const NO_MEMORY = -os.constants.errno.ENOMEM
const NOT_NOW = Number(Object.keys(native.errors).find(
  (status) => native.errors[status][0] === 'ERR_HAWSER_STATE'))

// A negative result of the core: libuv's code, or one of the core's.
function coreError (status, syscall) {
  const own = native.errors[status]
  if (own !== undefined) {
    const err = new Error(`${own[1]} (${syscall})`)
    err.code = own[0]
    return err
  }
  const code = getSystemErrorName(status)
  const err = new Error(`${syscall} ${code}`)
  err.errno = status
  err.code = code
  err.syscall = syscall
  return err
}

// Node: ExceptionWithHostPort.
function connectError (status, address, port) {
  const err = coreError(status, 'connect')
  err.message = `connect ${err.code} ${address}:${port}`
  err.address = address
  err.port = port
  return err
}

// Node: NodeAggregateError.
function aggregateError (errors) {
  const err = new AggregateError(errors)
  err.code = errors[0].code
  return err
}

// Node: ERR_INVALID_ARG_VALUE, as from http.request().
function nullByte (name, value) {
  const err = new TypeError(`The property '${name}' must be a string without null bytes. ` +
    `Received ${inspect(value)}`)
  err.code = 'ERR_INVALID_ARG_VALUE'
  return err
}

// Node: ERR_INVALID_IP_ADDRESS.
function invalidAddress (value) {
  const err = new TypeError(`Invalid IP address: ${inspect(value)}`)
  err.code = 'ERR_INVALID_IP_ADDRESS'
  return err
}

// Throws in a tick of its own: the exception is uncaught and prevents nothing else.
function rethrow (err) {
  throw err
}

// A listener for 'error': with one, the event throws no exception.
function ignore () {}

module.exports = {
  NO_MEMORY,
  NOT_NOW,
  connReset,
  parseError,
  coreError,
  connectError,
  aggregateError,
  nullByte,
  invalidAddress,
  ignore,
  rethrow
}
