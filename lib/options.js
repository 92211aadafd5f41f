// SPDX-License-Identifier: MIT
//
// All validation of options, with Node's codes and messages. Type and range of Node's own
// options are checked too, where Node accepts anything.
'use strict'

// The end of the message of ERR_INVALID_ARG_TYPE, from "Received" on.
function describe (value) {
  if (value == null) return ` Received ${value}`
  if (typeof value === 'function') return ` Received function ${value.name}`
  if (typeof value === 'object') {
    return value.constructor?.name
      ? ` Received an instance of ${value.constructor.name}`
      : ` Received ${require('node:util').inspect(value, { depth: -1 })}`
  }
  let text = require('node:util').inspect(value, { colors: false })
  if (text.length > 28) text = `${text.slice(0, 25)}...`
  return ` Received type ${typeof value} (${text})`
}

// Node: ERR_INVALID_ARG_TYPE.
function typeError (name, expected, value) {
  const err = new TypeError(
    `The "${name}" ${name.includes('.') ? 'property' : 'argument'} must be of type ${expected}.` +
    describe(value))
  err.code = 'ERR_INVALID_ARG_TYPE'
  return err
}

// Node: ERR_OUT_OF_RANGE.
function rangeError (name, range, value) {
  const err = new RangeError(
    `The value of "${name}" is out of range. It must be ${range}. Received ${value}`)
  err.code = 'ERR_OUT_OF_RANGE'
  return err
}

function checkNumber (options, name, min) {
  const value = options[name]
  if (value === undefined || value === null) return
  if (typeof value !== 'number') throw typeError(`options.${name}`, 'number', value)
  if (Number.isNaN(value) || value < min) throw rangeError(`options.${name}`, `>= ${min}`, value)
}

function checkBoolean (options, name) {
  const value = options[name]
  if (value !== undefined && value !== null && typeof value !== 'boolean') {
    throw typeError(`options.${name}`, 'boolean', value)
  }
}

// Throws if no Agent can be made from the options. maxTotalSockets and scheduling are left
// to http.Agent, which checks them itself.
function validateAgentOptions (options) {
  if (options === undefined || options === null) return
  if (typeof options !== 'object') throw typeError('options', 'object', options)
  checkBoolean(options, 'keepAlive')
  checkBoolean(options, 'noDelay')
  checkNumber(options, 'keepAliveMsecs', 0)
  checkNumber(options, 'maxSockets', 0)
  checkNumber(options, 'maxFreeSockets', 0)
  checkNumber(options, 'timeout', 0)
  checkNumber(options, 'freeSocketTimeout', 0)
  checkNumber(options, 'agentKeepAliveTimeoutBuffer', 0)
  checkNumber(options, 'maxCachedSessions', 0)
}

module.exports = { validateAgentOptions, typeError }
