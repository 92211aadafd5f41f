// SPDX-License-Identifier: MIT
//
// All that depends on this Node: its version, what it was started with, and
// what a program has put in the place of Node's own functions. Where Node does
// more on the way to a connection than the core can, the reason is told here
// and the connection is Node's.
'use strict'

// -- the permission model -------------------------------------------------------

// Undefined where the process was not started with it. Node's own until somebody
// with native code changes that; its property cannot be written.
const { permission } = process

// A Node without a scope for the network says no when it is asked for it, and
// lets everybody connect.
const hasNetScope = permission !== undefined && process.allowedNodeEnvironmentFlags.has('--allow-net')

/** May this process connect now? It may give the permission up at any time. */
function mayConnect () {
  return !hasNetScope || permission.has('net')
}

/** What connect() of Node's handles gives where it may not. */
function accessDenied (address) {
  return Object.assign(
    new Error('Access to this API has been restricted. Use --allow-net to manage permissions.'),
    { code: 'ERR_ACCESS_DENIED', permission: 'Net', resource: address })
}

module.exports = { mayConnect, accessDenied }
