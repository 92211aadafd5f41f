// SPDX-License-Identifier: MIT
//
// A program in TypeScript finds the types with each kind of module resolution.
'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')

const ts = require('@tsd/typescript')

const ROOT = path.join(__dirname, '..', '..')
const PROGRAM = `
  import { Agent, capabilities } from 'hawser'
  import { unregister } from 'hawser/register'
  const agent: Agent = new Agent({ maxSockets: 1 })
  const reason: string | null = agent.laneReason ?? capabilities().reason
  export const done: [string | null, void] = [reason, unregister()]`

for (const [resolution, module] of [['Node10', 'CommonJS'], ['Node16', 'Node16'], ['Bundler', 'ESNext']]) {
  test(`types with moduleResolution: ${resolution.toLowerCase()}`, (t) => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-'))
    t.after(() => fs.rmSync(dir, { recursive: true }))
    fs.mkdirSync(path.join(dir, 'node_modules'))
    fs.symlinkSync(ROOT, path.join(dir, 'node_modules', 'hawser'))
    fs.symlinkSync(path.join(ROOT, 'node_modules', '@types'), path.join(dir, 'node_modules', '@types'))
    const file = path.join(dir, 'program.ts')
    fs.writeFileSync(file, PROGRAM)
    const program = ts.createProgram([file], {
      moduleResolution: ts.ModuleResolutionKind[resolution],
      module: ts.ModuleKind[module],
      target: ts.ScriptTarget.ES2022,
      strict: true,
      noEmit: true,
      esModuleInterop: true,
      typeRoots: [path.join(dir, 'node_modules', '@types')],
      types: ['node']
    })
    const texts = ts.getPreEmitDiagnostics(program)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
    assert.deepEqual(texts, [])
  })
}
