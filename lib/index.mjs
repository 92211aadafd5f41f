// SPDX-License-Identifier: MIT
import hawser from './index.js'

export const { Agent, HttpsAgent, capabilities } = hawser
export default hawser
