// SPDX-License-Identifier: MIT
//
// The bodies that every origin serves: the same bytes from each, so that the
// responses of a client can be compared with them. origin.c makes the same ones. A
// byte depends on its position, so that a lost or swapped piece is noticed.
'use strict'

const SIZES = { small: 11, '1k': 1024, '64k': 65536 }

function payload (name) {
  if (name === 'small') return Buffer.from('hello world')
  const bytes = Buffer.alloc(SIZES[name])
  for (let i = 0; i < bytes.length; i++) bytes[i] = 32 + (i * 31 + (i >> 8)) % 95
  return bytes
}

// The response to a POST of so many bytes, from the origins that count them.
function counted (received) {
  return Buffer.from(`{"received":${received}}`)
}

module.exports = { payload, counted, NAMES: Object.keys(SIZES) }
