// SPDX-License-Identifier: MIT

/**
 * Loading this module replaces `http.Agent`, `https.Agent`, `http.globalAgent` and
 * `https.globalAgent` with hawser's, with Node's own defaults.
 */

/**
 * Restores Node's agents, unless others have replaced hawser's since. Existing
 * agents continue to work; the global agents' idle connections are closed.
 */
export function unregister (): void
