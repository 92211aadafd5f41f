// SPDX-License-Identifier: MIT
//
// The size of a typical JSON response.
'use strict'

module.exports = {
  about: '1 KiB responses, 50 connections',
  driver: 'closed-loop',
  clients: ['hawser', 'http', 'agentkeepalive', 'undici-request', 'undici-dispatch'],
  plan: { method: 'GET', path: '1k', connections: 50, concurrency: 50, body: 0 }
}
