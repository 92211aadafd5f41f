// SPDX-License-Identifier: MIT
//
// What this process can do, for logs and bug reports.
'use strict'

const ring = require('./shared-ring')

/**
 * @returns {{ fastLane: boolean, reason: string | null, llhttp: string, uv: string }}
 *   `fastLane` is false when the host's llhttp failed the check at load, or
 *   when HAWSER_LANE=node is set; `reason` says which.
 */
function capabilities () {
  return {
    fastLane: ring.fast,
    reason: ring.reason,
    llhttp: process.versions.llhttp,
    uv: process.versions.uv
  }
}

module.exports = { capabilities }
