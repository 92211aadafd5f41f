// SPDX-License-Identifier: MIT
//
// https.Agent over the core's pool. It inherits look-up, TLS, sessions and names of origins
// from Node's https.Agent. The sockets are Node's too, so its requests take the Node lane.
'use strict'

const https = require('node:https')
const tls = require('node:tls')

const { Agent, construct, addOptions, inherit } = require('./agent')
const { validateAgentOptions } = require('./options')
const { kOptions } = require('./symbols')

const BaseAgent = https.Agent
const { addRequest, keepSocketAlive } = Agent.prototype

// A peer that a request's own function has accepted, and its TLS session, are valid for that
// request only (CVE-2026-58040). Newer versions of Node mark the options with this symbol;
// for older ones it is set here.
const MARK = 'per-request checkServerIdentity'
const kMark = Symbol(MARK)
let marks = 0

function isJudgedByRequest (agent, { checkServerIdentity }) {
  return checkServerIdentity !== undefined &&
    checkServerIdentity !== tls.checkServerIdentity &&
    agent.options.checkServerIdentity === undefined
}

function isMarked (options) {
  return Object.getOwnPropertySymbols(options).some((symbol) => symbol.description === MARK)
}

function HttpsAgent (options) {
  if (!(this instanceof HttpsAgent)) return new HttpsAgent(options)
  validateAgentOptions(options)
  construct(this, BaseAgent, { ...options, keepAlive: options?.keepAlive ?? true })
  addOptions(this, options)
}
inherit(HttpsAgent, BaseAgent)

HttpsAgent.prototype.addRequest = function (req, options, port, localAddress) {
  if (typeof options === 'object' && isJudgedByRequest(this, options) && !isMarked(options)) {
    options[kMark] = ++marks
  }
  return addRequest.call(this, req, options, port, localAddress)
}

HttpsAgent.prototype.getName = function getName (options) {
  const name = BaseAgent.prototype.getName.call(this, options)
  return options?.[kMark] === undefined ? name : `${name}:${options[kMark]}`
}

HttpsAgent.prototype.createConnection = function createConnection (...args) {
  // Node keeps and looks up sessions by this key.
  if (args[0]?.[kMark] !== undefined) args[0] = { ...args[0], _agentKey: undefined }
  return BaseAgent.prototype.createConnection.apply(this, args)
}

HttpsAgent.prototype.keepSocketAlive = function (socket) {
  return !isJudgedByRequest(this, socket[kOptions] ?? {}) && keepSocketAlive.call(this, socket)
}

module.exports = { HttpsAgent }
