// SPDX-License-Identifier: MIT
//
// A queue that stays long: each request that ends starts another at its end.
'use strict'

module.exports = {
  about: '10,000 requests kept in flight over 50 connections',
  driver: 'closed-loop',
  clients: ['hawser', 'http', 'agentkeepalive', 'undici-request', 'undici-dispatch'],
  plan: { method: 'GET', path: 'small', connections: 50, concurrency: 10000, body: 0 }
}
