// SPDX-License-Identifier: MIT
'use strict'

const neostandard = require('neostandard')

module.exports = [
  ...neostandard({ ignores: ['build/', 'bench/results/', 'node_modules/'] }),
  {
    rules: {
      '@stylistic/max-len': ['error', { code: 100, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true }]
    }
  }
]
