// SPDX-License-Identifier: MIT
//
// Responses that need several reads: the cost of the body.
'use strict'

module.exports = {
  about: '64 KiB responses, 50 connections',
  driver: 'closed-loop',
  brief: true,
  clients: ['hawser', 'http', 'agentkeepalive', 'undici-request', 'undici-dispatch'],
  plan: { method: 'GET', path: '64k', connections: 50, concurrency: 50, body: 0 }
}
