// SPDX-License-Identifier: MIT
//
// The cost of a request itself: hardly any body, all connections busy.
'use strict'

module.exports = {
  about: '11-byte responses, 50 connections',
  driver: 'closed-loop',
  brief: true,
  share: true,
  clients: ['hawser', 'http', 'agentkeepalive', 'undici-request', 'undici-dispatch'],
  plan: { method: 'GET', path: 'small', connections: 50, concurrency: 50, body: 0 }
}
