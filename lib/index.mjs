// SPDX-License-Identifier: MIT
import hawser from './index.js'

export const { Agent, capabilities } = hawser
export default hawser
