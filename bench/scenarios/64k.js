// SPDX-License-Identifier: MIT
//
// Answers that need several reads: what the way of the body costs.
'use strict'

module.exports = {
  about: '64 KiB responses, 50 connections',
  driver: 'closed-loop',
  brief: true,
  clients: ['hawser', 'http', 'agentkeepalive', 'undici-request', 'undici-dispatch'],
  plan: { method: 'GET', path: '64k', connections: 50, concurrency: 50, body: 0 }
}
