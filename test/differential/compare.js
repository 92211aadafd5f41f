// SPDX-License-Identifier: MIT
//
// Runs a script with Node's Agent and with hawser's, and finds where they differ.
'use strict'

const http = require('node:http')

const { Agent } = require('../..')
const { trace } = require('./trace')

const BuiltinAgent = http.Agent
const TRIES = 4 // a difference counts if it occurs every time

// Node emits 'close' twice for some requests whose connection ended after a response
// that was read later, and 'error' twice for some that were destroyed with garbage
// after the response. hawser's end once (docs/compatibility.md).
function endedOnce (list) {
  const isFirst = (line, i, what) =>
    !line.startsWith(what) || list.findIndex((other) => other.startsWith(what)) === i
  return list.filter((line, i) => isFirst(line, i, 'close ') && isFirst(line, i, 'error '))
}

// The first line that differs, or null.
function firstDifference (node, ours) {
  const named = (lists, what) => lists.flatMap((list, i) =>
    [...list.map((line) => `${what} ${i}: ${line}`), `${what} ${i} ends`])
  const lines = (found) => [
    ...named(found.requests, 'request'),
    ...named(found.sockets, 'socket'),
    `lists: ${found.lists}`,
    ...found.wire.map((text, i) => `wire ${i}: ${JSON.stringify(text)}`)
  ]
  const [a, b] = [lines({ ...node, requests: node.requests.map(endedOnce) }), lines(ours)]
  const at = a.findIndex((line, i) => line !== b[i])
  if (at === -1 && a.length === b.length) return null
  const place = at === -1 ? a.length : at
  const from = (list) => list.slice(place, place + 3)
  return { before: a.slice(Math.max(place - 8, 0), place), node: from(a), ours: from(b) }
}

async function differs (script) {
  const [node, ours] = await Promise.all([trace(script, BuiltinAgent), trace(script, Agent)])
  return firstDifference(node, ours)
}

// The difference, 'unstable' (it occurs, but not every time), or null.
async function compare (script) {
  const first = await differs(script)
  if (first === null) return null
  for (let i = 1; i < TRIES; i++) {
    if (await differs(script) === null) return 'unstable'
  }
  return first
}

// Removes from the script what the difference does not need.
async function minimise (script) {
  const still = async (candidate) => {
    const found = await compare(candidate)
    return found !== null && found !== 'unstable'
  }
  let smallest = script
  for (let changed = true; changed;) {
    changed = false
    for (const candidate of smaller(smallest)) {
      if (await still(candidate)) {
        smallest = candidate
        changed = true
        break
      }
    }
  }
  return smallest
}

const MAY_GO = ['act', 'timeout', 'encoding', 'cork', 'buffers', 'maxHeadersCount', 'flushHeaders',
  'noDelay']

// The scripts that are one step smaller.
function * smaller (script) {
  const copy = (change) => {
    const candidate = structuredClone(script)
    change(candidate)
    return candidate
  }
  if (script.requests.length > 1) {
    for (const i of script.requests.keys()) yield copy((c) => c.requests.splice(i, 1))
  }
  if (script.concurrent) yield copy((c) => { c.concurrent = false })
  for (const name of Object.keys(script.agent)) yield copy((c) => delete c.agent[name])
  for (const [i, { client, server }] of script.requests.entries()) {
    const change = (edit) => copy(({ requests }) => edit(requests[i].client, requests[i].server))
    for (const name of Object.keys(client.options)) yield change((it) => delete it.options[name])
    for (const name of MAY_GO) if (client[name]) yield change((it) => delete it[name])
    if (client.body.length > 0) yield change((it) => { it.body = [] })
    if (client.body.length > 1) yield change((it) => { it.body.shift() })
    if (client.read !== 'data') yield change((it) => { it.read = 'data' })
    if (client.method !== 'GET' && client.body.length === 0) {
      yield change((it) => { it.method = 'GET' })
    }
    if (server.pieces.length > 1) yield change((_, it) => { it.pieces = [it.pieces.join('')] })
    if (server.then !== 'stay') yield change((_, it) => { it.then = 'stay' })
  }
}

module.exports = { compare, minimise }
