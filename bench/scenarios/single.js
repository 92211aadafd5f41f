// SPDX-License-Identifier: MIT
//
// One request after the other: nothing to batch, so p50 is what matters.
'use strict'

module.exports = {
  about: '11-byte responses, 1 connection: latency',
  driver: 'closed-loop',
  clients: ['hawser', 'http', 'agentkeepalive', 'undici-request', 'undici-dispatch'],
  plan: { method: 'GET', path: 'small', connections: 1, concurrency: 1, body: 0 }
}
