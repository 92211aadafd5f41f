// SPDX-License-Identifier: MIT
//
// The sources from binding.gyp, which is the only list of them: the pure files, the
// rest of the C core, the addon. A .gyp file is JSON with comments and trailing
// commas.
'use strict'

const fs = require('node:fs')
const path = require('node:path')

const ROOT = path.join(__dirname, '..')

// Result: { target: its sources }, as paths from the root of the repository.
function targets (file) {
  const text = fs.readFileSync(path.join(ROOT, file), 'utf8')
    .replace(/^\s*#.*$/gm, '')
    .replace(/,(?=\s*[\]}])/g, '')
  return Object.fromEntries(JSON.parse(text).targets.map(({ target_name: name, sources }) =>
    [name, sources.map((source) => path.join(path.dirname(file), source))]))
}

const { hawser_pure: pure, hawser_core: core, hawser: addon } = targets('binding.gyp')

module.exports = { targets, pure, core, addon }
