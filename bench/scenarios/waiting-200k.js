// SPDX-License-Identifier: MIT
//
// A queue that is filled at once and emptied: the time until the last has ended.
'use strict'

module.exports = {
  about: '200,000 requests started at once over 50 connections, until all have ended',
  driver: 'burst',
  slow: true,
  rounds: 1,
  clients: ['hawser', 'http', 'agentkeepalive', 'undici-request', 'undici-dispatch'],
  plan: {
    method: 'GET', path: 'small', connections: 50, body: 0, requests: 200000, warmUpRequests: 5000
  }
}
