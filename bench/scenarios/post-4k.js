// SPDX-License-Identifier: MIT
//
// A request body from memory, as API clients send.
'use strict'

module.exports = {
  about: '4 KiB POST with content-length, 50 connections',
  driver: 'closed-loop',
  brief: true,
  clients: ['hawser', 'http', 'agentkeepalive', 'undici-request', 'undici-dispatch'],
  plan: { method: 'POST', path: 'post', connections: 50, concurrency: 50, body: 4096 }
}
