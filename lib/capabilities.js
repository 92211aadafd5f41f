// SPDX-License-Identifier: MIT
//
// What this process can do, for logs and bug reports.
'use strict'

const ring = require('./shared-ring')
const { whyNotNow, lacking } = require('./host')

/**
 * @returns {{ fastLane: boolean, reason: string | null, lacking: string[], llhttp: string,
 *   uv: string }}
 *   `fastLane` is false if the host's llhttp failed the check at load, if
 *   HAWSER_LANE=node is set, and while a function is replaced or a permission is
 *   missing that only Node's own connections respect; `reason` says which.
 *   `lacking` lists the features that this Node does not allow.
 */
function capabilities () {
  const reason = ring.reason ?? whyNotNow()
  return {
    fastLane: reason === null,
    reason,
    lacking: [...lacking],
    llhttp: process.versions.llhttp,
    uv: process.versions.uv
  }
}

module.exports = { capabilities }
