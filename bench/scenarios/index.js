// SPDX-License-Identifier: MIT
//
// The scenarios by name. `measure` is what the table is about: requests per
// second, or the bytes of an idle connection.
'use strict'

const ALL = ['hawser', 'http', 'agentkeepalive', 'undici-request', 'undici-dispatch']
const AGENTS = ['hawser', 'http']

function get (about, path, connections, bytes) {
  return {
    about,
    driver: 'closed-loop',
    clients: ALL,
    plan: { method: 'GET', path, connections, concurrency: connections, bytes, body: 0 }
  }
}

function queue (about, requests, warmUpRequests) {
  return {
    about,
    driver: 'burst',
    clients: ALL,
    plan: { method: 'GET', path: 'small', connections: 50, bytes: 11, body: 0, requests, warmUpRequests }
  }
}

function idle (about, warmUpRequests) {
  return {
    about,
    driver: 'idle-memory',
    measure: 'bytes',
    slow: true,
    clients: AGENTS,
    flags: ['--expose-gc'],
    rounds: 3,
    plan: {
      method: 'GET', path: 'small', connections: Infinity, bytes: 11, body: 0, requests: 3000, warmUpRequests
    }
  }
}

module.exports = {
  small: get('11-byte responses, 50 connections', 'small', 50, 11),
  '1k': get('1 KiB responses, 50 connections', '1k', 50, 1024),
  '64k': get('64 KiB responses, 50 connections', '64k', 50, 65536),
  single: get('11-byte responses, 1 connection', 'small', 1, 11),
  'post-4k': {
    about: '4 KiB POST, 50 connections',
    driver: 'closed-loop',
    clients: ALL,
    plan: { method: 'POST', path: 'post', connections: 50, concurrency: 50, bytes: 11, body: 4096 }
  },
  'waiting-10k': queue('10,000 requests started at once over 50 connections', 10000, 5000),
  'waiting-200k': {
    ...queue('200,000 requests started at once over 50 connections', 200000, 5000),
    slow: true,
    rounds: 1
  },
  'idle-memory': idle('RSS of an idle connection, after 500 were open before', 500),
  'idle-memory-cold': idle('RSS of an idle connection, the first ones', 0)
}
