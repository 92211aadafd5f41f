// SPDX-License-Identifier: MIT

/**
 * Loading this module puts hawser in the place of `http.Agent`, `https.Agent`,
 * `http.globalAgent` and `https.globalAgent`, with Node's own defaults.
 */

/**
 * Puts Node's agents back, where nobody has put others since. Agents made
 * meanwhile go on working; the global agents' idle connections are closed.
 */
export function unregister (): void
